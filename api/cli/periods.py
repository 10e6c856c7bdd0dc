"""`ledgerctl period`: close and reopen periods of a book, list and show them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.text import Text

from api.cli.command import Json, Reason, State, group, state_of
from api.cli.healing import decided, heal
from api.cli.output import details, moment, money, table
from api.cli.stores import Store, open_store
from ledger_core.operations.period_lifecycle import ClosingPreview, PeriodLifecycle, PeriodState
from ledger_core.store.connection import Role
from projections.queries import periods as period_queries
from projections.queries.periods import Period

app = group("period", "Close, reopen and show periods.")
BookCode = Annotated[str, typer.Argument(metavar="BOOK", help="Code of the book.")]
Through = Annotated[
    datetime, typer.Option("--through", formats=["%Y-%m-%d"], help="Last day of the period, in UTC: 2026-01-31.")
]
Apply = Annotated[bool, typer.Option("--apply", help="Do it; without this it only says what it would do.")]
NOTHING_WRITTEN = "nothing was written; add --apply to do it"


@app.command()
def close(
    context: typer.Context,
    book: BookCode,
    through: Through,
    reason: Reason,
    requested_by: Annotated[str, typer.Option(help="Who closes it; stands in the log.")] = "",
    apply: Apply = False,
    _json: Json = False,
) -> None:
    """Take no entries that take effect through a day any more, and seal the trial balance of what there is."""
    state = state_of(context)
    with _periods(state, book) as (_, periods):
        if not apply:
            _show_preview(state, periods.preview(through.date()))
            return
        _show_state(state, periods.close(through.date(), reason=reason, requested_by=requested_by), 0)


@app.command()
def reopen(
    context: typer.Context,
    book: BookCode,
    through: Through,
    reason: Reason,
    requested_by: Annotated[str, typer.Option(help="Who asked for it.")],
    approved_by: Annotated[str, typer.Option(help="Who approved it: another person.")],
    apply: Apply = False,
    _json: Json = False,
) -> None:
    """Take entries of the last closed period again, until it is closed again; what was parked for it posts."""
    state = state_of(context)
    with _periods(state, book) as (store, periods):
        if not apply:
            found = periods.preview_reopening(through.date(), requested_by=requested_by, approved_by=approved_by)
            after = f"after {found.after}" if found.after else "of any day"
            would = {"book": book, "through": found.through, "after": found.after, "applied": False}
            state.output.data(would, lambda console: console.print(f"would take entries {after} again"))
            state.output.say(NOTHING_WRITTEN)
            return
        after_it = periods.reopen(through.date(), reason=reason, requested_by=requested_by, approved_by=approved_by)
        _show_state(state, after_it, heal(store, book, "period"))


@app.command(name="list")
def list_periods(context: typer.Context, book: BookCode, _json: Json = False) -> None:
    """List the periods that were ever closed; what follows the last one is open."""
    state = state_of(context)
    with _store(state, book) as store, store.reading(book) as at:
        found, position = period_queries.periods(at), at.position

    def render(console: Console) -> None:
        drawn = table("through", "after", "status", "closings", "event", "trial balance", right=("closings", "event"))
        for period in found:
            sealed = Text((period.trial_balance or "")[:16], style="dim")
            after = str(period.after or "–")
            drawn.add_row(str(period.through), after, period.status, str(period.closings), str(period.position), sealed)
        console.print(drawn)

    state.output.data({"book": book, "position": position, "periods": found}, render)


@app.command()
def show(context: typer.Context, book: BookCode, through: Through, _json: Json = False) -> None:
    """Show a period: who closed or reopened it and why, and what its closing sealed."""
    state = state_of(context)
    with _store(state, book) as store, store.reading(book) as at:
        found, position = period_queries.period(at, through.date()), at.position
    state.output.data(
        {"book": book, "position": position, "period": found}, lambda console: _draw_period(console, found)
    )


def _draw_period(console: Console, period: Period) -> None:
    pairs: dict[str, object] = {
        "through": period.through, "after": period.after or "–", "status": period.status,
        "closings": period.closings, "reason": period.reason or "–", "requested by": period.requested_by or "–",
        "event": period.position, "recorded": moment(period.recorded_at),
    }  # fmt: skip
    if period.approved_by:
        pairs["approved by"] = period.approved_by
    if period.trial_balance:
        pairs |= {
            "known at position": period.known_at_position, "accounts": period.accounts,
            "debits = credits": ", ".join(f"{money(amount)} {amount.currency}" for amount in period.totals) or "–",
            "trial balance": period.trial_balance,
        }  # fmt: skip
    console.print(details(pairs))


def _show_preview(state: State, preview: ClosingPreview) -> None:
    def render(console: Console) -> None:
        console.print(
            details(
                {
                    "would close through": preview.through, "after": preview.after or "–",
                    "accounts": preview.accounts, "at position": preview.position,
                    "debits = credits": ", ".join(f"{minor} {code}" for code, minor in preview.totals.items()) or "–",
                    "trial balance": preview.trial_balance,
                }
            )
        )  # fmt: skip

    totals = [{"currency": code, "debits_minor": str(minor)} for code, minor in preview.totals.items()]
    said = {
        "book": preview.book, "through": preview.through, "after": preview.after, "position": preview.position,
        "accounts": preview.accounts, "totals": totals, "trial_balance": preview.trial_balance, "applied": False,
    }  # fmt: skip
    state.output.data(said, render)
    state.output.say(NOTHING_WRITTEN)


def _show_state(state: State, after: PeriodState, healed: int) -> None:
    def render(console: Console) -> None:
        console.print(
            f"the period through {after.through} is {after.status}" + ("" if after.changed else ", as it was before")
        )
        if after.trial_balance:
            console.print(f"trial balance {after.trial_balance}")
        if healed:
            console.print(decided(healed))

    state.output.data({"period": after, "healed": healed, "applied": True}, render)


@contextmanager
def _store(state: State, book: str) -> Iterator[Store]:
    with open_store(state.database, book=book, say=state.output.say) as store:
        yield store


@contextmanager
def _periods(state: State, book: str) -> Iterator[tuple[Store, PeriodLifecycle]]:
    with _store(state, book) as store:

        @contextmanager
        def transactions() -> Iterator[psycopg.Connection[Any]]:
            with store.connect(Role.POSTER) as connection, connection.transaction():
                yield connection

        yield store, PeriodLifecycle(transactions, book)
