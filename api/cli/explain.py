"""`ledgerctl explain`: from a balance, or a voucher, to everything behind it."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from api.cli.account_changes import draw_changes
from api.cli.balance import EffectiveAt
from api.cli.command import Json, state_of
from api.cli.output import balance_text, details, in_words, moment, money, table
from api.cli.stores import open_store
from api.cli.vouchers import group_text
from projections.queries.amounts import Balance, Side
from projections.queries.effective_explanations import explain_effective
from projections.queries.explained_sums import Moved, Sums, sums_since_zero
from projections.queries.explanations import (
    ExplainedVoucher,
    Explanation,
    VoucherExplanation,
    explain_voucher,
)
from projections.queries.explanations import explain as explain_account
from projections.queries.vouchers import VoucherLine


def explain(
    context: typer.Context,
    book: Annotated[str, typer.Argument(help="Code of the book.")],
    account: Annotated[str | None, typer.Argument(help="Code of the account whose balance is explained.")] = None,
    voucher: Annotated[int | None, typer.Option(min=1, help="Number of a voucher to explain instead.")] = None,
    at_position: Annotated[int | None, typer.Option(min=0, help="As known at this position of the book.")] = None,
    effective_at: EffectiveAt = None,
    last: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many entries, the newest.")] = 10,
    since_zero: Annotated[
        bool, typer.Option("--since-zero", help="Only what followed the last balance of zero, with sums.")
    ] = False,
    _json: Json = False,
) -> None:
    """Explain a balance: entries with vouchers, rules, events, blocks and persons; who froze or limited the account."""
    if (account is None) == (voucher is None):
        raise typer.BadParameter("name an account, or a voucher with --voucher", param_hint="ACCOUNT")
    if voucher is not None and (at_position is not None or effective_at is not None or since_zero):
        raise typer.BadParameter("a voucher is the same at every position", param_hint="--voucher")
    if since_zero and effective_at is not None:
        raise typer.BadParameter("what is backdated moves where the balance was zero", param_hint="--since-zero")
    state = state_of(context)
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        store.reading(book) as at,
    ):
        if voucher is not None:
            one = explain_voucher(at, voucher)
            state.output.data({"book": book, **_as_data(one)}, lambda console: _draw_voucher(console, one))
            return
        assert account is not None
        if effective_at is None:
            found = explain_account(at, account, as_of_position=at_position, limit=last, since_zero=since_zero)
        else:
            day = effective_at.date()
            found = explain_effective(at, account, effective_at=day, known_at_position=at_position, limit=last)
        sums = sums_since_zero(at, account, as_of_position=found.position) if since_zero else None
    state.output.data(
        {"book": book, **_as_data(found), "sums": sums}, lambda console: _draw_balance(console, found, sums)
    )


def _as_data(value: Explanation | VoucherExplanation) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _draw_balance(console: Console, found: Explanation, sums: Sums | None) -> None:
    console.print(
        details(
            {
                "account": f"{found.code} ({found.type})",
                "balance": f"{balance_text(found.balance)} {found.balance.amount.currency}",
                "as known at position": found.position,
                "made by": _made_by(found),
            }
        )
    )
    if sums is not None:
        _draw_sums(console, sums)
    console.print()
    draw_changes(console, found.changes)
    for entry in found.entries:
        console.print()
        line = Text.assemble(
            (f"{entry.posting_sequence}  ", "dim"), f"{money(entry.amount)} {entry.side.value}  {entry.purpose}",
            ("  leaves ", "dim"), balance_text(entry.balance),
        )  # fmt: skip
        console.print(line)
        console.print(_facts(entry.voucher))
        _draw_lines(console, (each for each in entry.voucher.lines if each.line != entry.line))
    shown = len(found.entries)
    if more := found.made_by - shown:
        console.print(Text(f"\n{more:,} earlier entries are not shown (--last {shown + more} shows them)", style="dim"))


def _made_by(found: Explanation) -> str:
    if not found.entries_in_all:
        return "no entry"
    if found.effective_at is not None:
        return f"{found.made_by:,} entries that took effect through {found.effective_at}"
    if found.first_entry > found.entries_in_all:
        return f"nothing since entry {found.entries_in_all}, which left zero"
    return f"entries {found.first_entry:,} to {found.entries_in_all:,}, from zero"


def _draw_sums(console: Console, sums: Sums) -> None:
    if sums.opening.side is not Side.NONE:
        console.print(details({f"before entry {sums.first_entry}": balance_text(sums.opening)}))
    for title, rows in (("by kind", sums.by_kind), ("by counter-account", sums.by_counter_account)):
        if rows:
            console.print()
            _draw_moved(console, title, rows)


def _draw_moved(console: Console, title: str, rows: Iterable[Moved]) -> None:
    drawn = table(title, "entries", "debits", "credits", right=("entries", "debits", "credits"))
    for row in rows:
        drawn.add_row(row.name, f"{row.entries:,}", money(row.debits), money(row.credits))
    console.print(drawn)


def _draw_voucher(console: Console, found: VoucherExplanation) -> None:
    console.print(_facts(found.voucher))
    _draw_lines(console, found.voucher.lines, found.balances)
    for other in found.group_others:
        console.print()
        console.print(_facts(other))
        _draw_lines(console, other.lines)


def _facts(voucher: ExplainedVoucher) -> Any:
    """What is known of a voucher, without what it has not."""
    origin, record = voucher.origin, voucher.origin.record
    pairs: dict[str, object] = {
        "voucher": f"{voucher.voucher_no}, {voucher.kind}, of {voucher.order_key}",
        "rule": f"{voucher.rule}, chart version {voucher.chart_version}",
        "memo": voucher.memo,
        "reverses": ", ".join(f"voucher {number}" for number in voucher.reverses),
        "compensates": ", ".join(f"voucher {number}" for number in voucher.compensates),
        "group": group_text(voucher.voucher_no, voucher.group),
        "cause": f"{origin.event_type} {origin.event_id} of {origin.source}",
        "record": f"{record.topic}[{record.partition}] at offset {record.offset}" if record else "",
        "persons": ", ".join(f"{name} {person}" for name, person in voucher.persons.items()),
        **{name: in_words(said) for name, said in voucher.details.items()},
        "effective": moment(voucher.effective_at),
        "recorded": f"{moment(voucher.recorded_at)}, position {voucher.position}, block {voucher.block_number}",
    }
    return details({name: value for name, value in pairs.items() if value})


def _draw_lines(console: Console, lines: Iterable[VoucherLine], balances: Iterable[Balance] | None = None) -> None:
    after = () if balances is None else ("leaves",)
    drawn = table(
        "line", "account", "purpose", "debit", "credit", "", *after, right=("line", "debit", "credit", *after)
    )
    left = iter(balances or ())
    for line in lines:
        debit, credit = (money(line.amount) if line.side is side else "" for side in (Side.DEBIT, Side.CREDIT))
        row = [str(line.line), line.account, line.purpose, debit, credit, line.amount.currency]
        drawn.add_row(*row, *(balance_text(next(left)) for _ in after))
    console.print(drawn)
