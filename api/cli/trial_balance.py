"""`ledgerctl trial-balance`: sums per currency and account type; the difference is zero, or the books are wrong."""

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from api.cli.balance import EffectiveAt, KnownAt
from api.cli.command import Book, Json, state_of
from api.cli.errors import EXIT_FOUND_PROBLEMS
from api.cli.output import balance_text, money, table
from api.cli.stores import open_store
from projections.queries.effective_balances import END_OF_TIME, effective_trial_balance
from projections.queries.snapshot import Reads
from projections.queries.trial_balances import CurrencyTotal, trial_balance_through
from projections.queries.trial_balances import trial_balance as read_now


def trial_balance(
    context: typer.Context,
    book: Book,
    day: Annotated[
        datetime | None,
        typer.Option("--through", formats=["%Y-%m-%d"], help="By UTC day, as far as the projection is."),
    ] = None,
    effective_at: EffectiveAt = None,
    known_at: KnownAt = None,
    _json: Json = False,
) -> None:
    """Show the trial balance: now, by day as far as the projection has come, or exactly at a date and a position.

    Exit 3 when it is not zero.
    """
    state = state_of(context)
    in_two_times = effective_at is not None or known_at is not None
    if day is not None and in_two_times:
        message = "stands alone: not with --effective-at or --known-at-position"
        raise typer.BadParameter(message, param_hint="--through")
    reads = Reads.LOG if day is None else Reads.TRIAL_BALANCE
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        store.reading(book, reads=reads) as at,
    ):
        if in_two_times:
            through = effective_at.date() if effective_at else END_OF_TIME
            totals = effective_trial_balance(at, effective_at=through, known_at_position=known_at)
        else:
            totals = read_now(at) if day is None else trial_balance_through(at, day.date())
    wire = {
        "book": book,
        "position": at.position if known_at is None else known_at,
        "effective_at": effective_at.date() if effective_at else None,
        "currencies": totals,
        "trial_balance": {total.currency: total.debits.minor - total.credits.minor for total in totals},
    }
    state.output.data(wire, lambda console: draw_trial_balance(console, totals))
    if any(total.difference.amount.minor for total in totals):
        raise typer.Exit(EXIT_FOUND_PROBLEMS)


def draw_trial_balance(console: Console, totals: list[CurrencyTotal]) -> None:
    """One block of lines per currency, closed by its difference."""
    drawn = table(
        "currency", "accounts of type", "entries", "debits", "credits", right=("entries", "debits", "credits")
    )
    for total in totals:
        for part in total.types:
            drawn.add_row(total.currency, part.type, f"{part.entries:,}", money(part.debits), money(part.credits))
        drawn.add_row(total.currency, Text("together", style="bold"), "", money(total.debits), money(total.credits))
        balanced = total.difference.amount.minor == 0
        verdict = Text(balance_text(total.difference), style="bold green" if balanced else "bold red")
        drawn.add_row(total.currency, Text("difference", style="bold"), "", verdict, "", end_section=True)
    console.print(drawn)
