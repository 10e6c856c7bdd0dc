"""`ledgerctl account`: open, limit, freeze, unfreeze and close accounts, show them, their tree and their statements."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from api.cli.account_changes import draw_changes, limit_text
from api.cli.account_closing import Closing, close_by_event, show_closing
from api.cli.account_tree import draw_tree
from api.cli.command import Book, Json, OptionalReason, Reason, RequestedBy, State, group, state_of
from api.cli.healing import decided, heal
from api.cli.output import balance_text, details, moment, money, table
from api.cli.posting import said, transactions_of
from api.cli.stores import Store, open_store
from ledger_core.domain import account_types
from ledger_core.domain.limits import POLICIES, Limits
from ledger_core.operations.account_lifecycle import AccountLifecycle, AccountState
from projections.queries import accounts as account_queries
from projections.queries.account_changes import account_changes
from projections.queries.account_tree import account_tree
from projections.queries.statements import StatementPage
from projections.queries.statements import statement as read_statement

app = group("account", "Open, limit, freeze, unfreeze, close and show accounts.")
Code = Annotated[str, typer.Argument(help="Code of the account, such as wallet:seller:42.")]
AccountType = Annotated[str, typer.Option("--type", help=f"One of {', '.join(account_types.ACCOUNT_TYPES)}.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most this many rows.")]


@app.command(name="open")
def open_account(
    context: typer.Context,
    code: Code,
    book: Book,
    account_type: AccountType,
    currency: Annotated[str, typer.Option(help="ISO 4217 code, or BTC, USDC, POINTS.")],
    reason: OptionalReason = "",
    requested_by: RequestedBy = "",
    _json: Json = False,
) -> None:
    """Open an account; events that were parked for want of it are posted."""
    state = state_of(context)
    kind: account_types.AccountType | None = next(
        (known for known in account_types.ACCOUNT_TYPES if known == account_type), None
    )
    if kind is None:
        raise typer.BadParameter(
            f"{account_type!r} is none of {', '.join(account_types.ACCOUNT_TYPES)}", param_hint="--type"
        )
    with _store(state, book) as store:
        after = _lifecycle(store, book).open_account(
            code, account_type=kind, currency=currency, requested_by=requested_by
        )
        healed = heal(store, book, f"account:{code}")
    _show_change(state, after, reason, healed)


@app.command()
def freeze(
    context: typer.Context, code: Code, book: Book, reason: Reason, requested_by: RequestedBy = "", _json: Json = False
) -> None:
    """Refuse entries from now on; events that need the account are parked."""
    state = state_of(context)
    with _store(state, book) as store:
        after = _lifecycle(store, book).freeze(code, reason=said(reason), requested_by=requested_by)
    _show_change(state, after, reason, 0)


@app.command()
def unfreeze(
    context: typer.Context, code: Code, book: Book, reason: Reason, requested_by: RequestedBy = "", _json: Json = False
) -> None:
    """Take entries again; events that were parked meanwhile are posted."""
    state = state_of(context)
    with _store(state, book) as store:
        after = _lifecycle(store, book).unfreeze(code, reason=said(reason), requested_by=requested_by)
        healed = heal(store, book, f"account:{code}")
    _show_change(state, after, reason, healed)


@app.command()
def close(
    context: typer.Context,
    code: Code,
    book: Book,
    reason: Reason,
    to: Annotated[
        str, typer.Option(help="Account that gets the rest of the balance, by a voucher of kind closing.")
    ] = "",
    requested_by: RequestedBy = "",
    request: Annotated[str, typer.Option(help="With --to, id of the request: a repeat of it changes nothing.")] = "",
    _json: Json = False,
) -> None:
    """Close an account for ever: at zero and without holds or, with --to, with a voucher that moves the rest."""
    state = state_of(context)
    if request and not to:
        raise typer.BadParameter("goes with --to", param_hint="--request")
    with _store(state, book) as store:
        if to:
            closing = Closing(code, to, said(reason), requested_by)
            show_closing(state, code, close_by_event(store, book, closing, request))
            return
        after = _lifecycle(store, book).close(code, reason=said(reason), requested_by=requested_by)
    _show_change(state, after, reason, 0)


@app.command()
def limit(
    context: typer.Context,
    code: Code,
    book: Book,
    reason: Reason,
    policy: Annotated[str, typer.Option(help=f"One of {', '.join(POLICIES)}.")],
    minimum: Annotated[str, typer.Option(help="Least available balance in minor units; none if left out.")] = "",
    maximum: Annotated[str, typer.Option(help="Greatest balance in minor units; none if left out.")] = "",
    requested_by: RequestedBy = "",
    _json: Json = False,
) -> None:
    """Set the limits of an account, on its normal side: a minimum of -500 is an overdraft of 500."""
    state = state_of(context)
    if policy not in POLICIES:
        raise typer.BadParameter(f"{policy!r} is none of {', '.join(POLICIES)}", param_hint="--policy")
    limits = Limits(_minor(minimum, "--minimum"), _minor(maximum, "--maximum"), POLICIES[policy])
    if limits.impossible:
        raise typer.BadParameter("the minimum is above the maximum", param_hint="--minimum")
    with _store(state, book) as store:
        after = _lifecycle(store, book).set_limits(code, limits, reason=said(reason), requested_by=requested_by)
    _show_change(state, after, reason, 0)


def _minor(text: str, option: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"0|-?[1-9][0-9]{0,17}", text, re.ASCII):
        raise typer.BadParameter(f"{text!r} is no whole number of minor units", param_hint=option)
    return int(text)


@app.command()
def show(context: typer.Context, code: Code, book: Book, _json: Json = False) -> None:
    """Show an account with its balance now."""
    state = state_of(context)
    with _store(state, book) as store, store.reading(book) as at:
        account = account_queries.account(at, code)
        changes = account_changes(at, account)
        position = at.position

    def render(console: Console) -> None:
        console.print(
            details(
                {
                    "account": account.code, "type": account.type, "currency": account.currency,
                    "status": account.status, "role": account.role or "–", "entries": f"{account.entries:,}",
                    "debits": money(account.debits), "credits": money(account.credits),
                    "balance": balance_text(account.balance), "held": money(account.held),
                    "available": balance_text(account.available),
                    "minimum": limit_text(account.limits.minimum), "maximum": limit_text(account.limits.maximum),
                    "policy": account.limits.policy, "position": position,
                }
            )
        )  # fmt: skip
        draw_changes(console, changes)

    state.output.data({"book": book, "position": position, "account": account, "changes": changes}, render)


@app.command(name="list")
def list_accounts(
    context: typer.Context,
    book: Book,
    after: Annotated[str, typer.Option(help="Start after this code.")] = "",
    limit: Limit = 100,
    _json: Json = False,
) -> None:
    """List accounts with their balances now, in the order of their codes."""
    state = state_of(context)
    with _store(state, book) as store, store.reading(book) as at:
        found = account_queries.accounts(at, after=after, limit=limit)
        position = at.position

    def render(console: Console) -> None:
        drawn = table("account", "type", "status", "entries", "balance", "", right=("entries", "balance"))
        for account in found:
            side = Text(account.balance.side.value if account.balance.amount.minor else "", style="dim")
            amount = f"{money(account.balance.amount)} {account.currency}"
            drawn.add_row(account.code, account.type, account.status, f"{account.entries:,}", amount, side)
        console.print(drawn)

    state.output.data({"book": book, "position": position, "accounts": found}, render)


@app.command()
def tree(
    context: typer.Context,
    book: Book,
    groups: Annotated[bool, typer.Option("--groups", help="Groups only; their sums are of all accounts.")] = False,
    _json: Json = False,
) -> None:
    """Show accounts below the groups of the chart in force, each group with the sum of what is below it."""
    state = state_of(context)
    with _store(state, book) as store, store.reading(book) as at:
        found = account_tree(at, groups_only=groups)
        position = at.position
    value = {
        "book": book, "position": position, "chart_version": found.chart_version, "balances": found.balances,
        "nodes": found.nodes,
    }  # fmt: skip
    state.output.data(value, lambda console: draw_tree(console, found))


@app.command()
def statement(
    context: typer.Context,
    code: Code,
    book: Book,
    limit: Limit = 50,
    newest_first: Annotated[bool, typer.Option("--newest-first", help="The last entries first.")] = False,
    as_of_position: Annotated[int | None, typer.Option(min=0, help="As known at this position of the book.")] = None,
    _json: Json = False,
) -> None:
    """Show the entries of an account, each with the balance after it."""
    state = state_of(context)
    with _store(state, book) as store, store.reading(book) as at:
        page = read_statement(at, code, as_of_position=as_of_position, limit=limit, newest_first=newest_first)
    state.output.data(
        {"book": book, "account": code, **_as_mapping(page)}, lambda console: _draw_statement(console, page)
    )


def _draw_statement(console: Console, page: StatementPage) -> None:
    drawn = table(
        "no",
        "effective",
        "voucher",
        "purpose",
        "debit",
        "credit",
        "balance",
        "",
        right=("no", "voucher", "debit", "credit", "balance"),
    )
    for entry in page.entries:
        debit = money(entry.amount) if entry.side.value == "debit" else ""
        credit = money(entry.amount) if entry.side.value == "credit" else ""
        drawn.add_row(
            str(entry.posting_sequence), moment(entry.effective_at), str(entry.voucher_no), entry.purpose,
            debit, credit, money(entry.balance.amount), Text(entry.balance.side.value, style="dim"),
        )  # fmt: skip
    console.print(drawn)
    console.print(
        Text(f"{len(page.entries)} of {page.entries_in_all} entries, as known at position {page.position}", style="dim")
    )


def _as_mapping(page: StatementPage) -> dict[str, object]:
    return {"position": page.position, "entries_in_all": page.entries_in_all, "entries": page.entries}


def _lifecycle(store: Store, book: str) -> AccountLifecycle:
    return AccountLifecycle(transactions_of(store), book)


@contextmanager
def _store(state: State, book: str) -> Iterator[Store]:
    with open_store(state.database, book=book, say=state.output.say) as store:
        yield store


def _show_change(state: State, after: AccountState, reason: str, healed: int) -> None:
    def render(console: Console) -> None:
        status = "frozen" if after.frozen_because is not None else "open"
        status = "closed" if after.closed_because is not None else status
        console.print(f"account {after.code} is {status}" + ("" if after.changed else ", as it was before"))
        if healed:
            console.print(decided(healed))

    state.output.data({"account": after, "reason": reason, "healed": healed}, render)
