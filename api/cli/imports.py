"""`ledgerctl import`: opening balances from CSV, and plain-text journals, as vouchers of a book.

A dry run unless `--apply`. Either is translated into events, which go the way of every event: a repeat changes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from api.cli.command import Json, Reason, group, state_of
from api.cli.importing import Import, run_import
from api.cli.output import wire
from consumers.imports import journal_plan
from consumers.imports import opening as opening_plan
from consumers.imports.journal_plan import Target
from consumers.imports.journals import FORMATS, format_of, plan_of
from consumers.imports.names import ANY, Naming
from consumers.imports.opening import plan_opening
from consumers.imports.plan import Plan
from consumers.imports.run import read_scales, trading_accounts
from ledger_core.domain import charts
from ledger_core.store.books import Book

app = group("import", "Import opening balances and plain-text journals.")
LONGEST_NAME = 100

BookCode = Annotated[str, typer.Argument(help="Code of the book; it exists.")]
Apply = Annotated[bool, typer.Option("--apply", help="Do it; without this it is a dry run.")]


@app.command()
def opening(
    context: typer.Context,
    book: BookCode,
    file: Annotated[Path, typer.Argument(help="CSV: account,type,side,amount_minor,currency (or amount).")],
    reason: Reason,
    effective: Annotated[str, typer.Option(help="Day on which the balances take effect, YYYY-MM-DD; else now.")] = "",
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Refuse a file whose debits and credits differ: IMPORT_UNBALANCED.")
    ] = False,
    apply: Apply = False,
    _json: Json = False,
) -> None:
    """Post opening balances, each against equity:opening:CURRENCY. An account has one opening balance."""
    effective_at = f"{_day(effective)}T00:00:00Z" if effective else ""

    def plan(lines: Sequence[str], connection: psycopg.Connection, _book: Book) -> Plan:
        return plan_opening(
            lines,
            book=book,
            time=effective_at or wire(datetime.now(UTC)),
            scales=read_scales(connection),
            effective_at=effective_at,
            demand_balanced=balanced,
        )

    run_import(state_of(context), Import(book, file, opening_plan.SOURCE, reason, apply), plan)


@app.command()
def journal(
    context: typer.Context,
    book: BookCode,
    file: Annotated[Path, typer.Argument(help="A journal of hledger, ledger or beancount.")],
    reason: Reason,
    journal_format: Annotated[
        str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}; else by the file's ending.")
    ] = "",
    commodity: Annotated[
        list[str] | None, typer.Option(help="SYMBOL=CODE: the asset that a symbol of the journal is; '=CODE' for none.")
    ] = None,
    account_type: Annotated[
        list[str] | None,
        typer.Option("--type", help="NAME=TYPE of an account and those below it, or '*=TYPE' for all."),
    ] = None,
    add_assets: Annotated[
        bool, typer.Option("--add-assets", help="Add the assets that the ledger has not, with the decimals they use.")
    ] = False,
    name: Annotated[
        str, typer.Option(help="Tells journals apart that hold equal transactions which are not the same one.")
    ] = "",
    apply: Apply = False,
    _json: Json = False,
) -> None:
    """Post a plain-text journal, a voucher for each transaction. What is not understood is refused with its line."""
    chosen = journal_format or format_of(file) or ""
    if chosen not in FORMATS:
        raise typer.BadParameter(f"{chosen!r} is none of {', '.join(FORMATS)}", param_hint="--format")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise typer.BadParameter(f"give up to {LONGEST_NAME} printable characters", param_hint="--name")
    naming = Naming(_pairs(commodity, "--commodity"), _types(account_type))

    def plan(lines: Sequence[str], connection: psycopg.Connection, found: Book) -> Plan:
        scales, trading = read_scales(connection), trading_accounts(found.chart)
        return plan_of(lines, Target(book, chosen, naming, scales, add_assets, name, trading))

    run_import(state_of(context), Import(book, file, journal_plan.SOURCE, reason, apply), plan)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day such as 2026-01-31", param_hint="--effective") from None


def _pairs(given: Sequence[str] | None, option: str) -> dict[str, str]:
    pairs = [text.rpartition("=") for text in given or ()]
    if any(not sign for _, sign, _ in pairs):
        raise typer.BadParameter("give NAME=VALUE", param_hint=option)
    return {name: value for name, _, value in pairs}


def _types(given: Sequence[str] | None) -> Mapping[str, charts.AccountType]:
    types: dict[str, charts.AccountType] = {}
    for name, wanted in _pairs(given, "--type").items():
        kind: charts.AccountType | None = next((known for known in charts.ACCOUNT_TYPES if known == wanted), None)
        if kind is None or not name:
            text = f"{wanted!r} is none of {', '.join(charts.ACCOUNT_TYPES)}; for all accounts: '{ANY}=TYPE'"
            raise typer.BadParameter(text, param_hint="--type")
        types[name] = kind
    return types
