"""`ledgerctl balance`: what an account stood at, by what took effect and by what was known."""

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from api.cli.command import Json, state_of
from api.cli.output import balance_text, details
from api.cli.stores import open_store
from projections.queries.accounts import balance as read_balance
from projections.queries.effective_balances import effective_balance

EffectiveAt = Annotated[
    datetime | None,
    typer.Option("--effective-at", formats=["%Y-%m-%d"], help="Of what took effect through this UTC day, inclusive."),
]
KnownAt = Annotated[
    int | None,
    typer.Option("--known-at-position", min=0, help="As known at this position of the book: recorded up to it."),
]


def balance(
    context: typer.Context,
    book: Annotated[str, typer.Argument(metavar="BOOK", help="Code of the book.")],
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Code of the account.")],
    effective_at: EffectiveAt = None,
    known_at: KnownAt = None,
    _json: Json = False,
) -> None:
    """Show the balance of an account: now, at a position, at a date, or both."""
    state = state_of(context)
    with open_store(state.database, book=book, say=state.output.say) as store, store.reading(book) as at:
        if effective_at is None:
            found = read_balance(at, account, as_of_position=known_at)
        else:
            found = effective_balance(at, account, effective_at=effective_at.date(), known_at_position=known_at)

    def render(console: Console) -> None:
        console.print(
            details(
                {
                    "account": found.code, "type": found.type, "effective through": found.effective_at or "–",
                    "known at position": found.position, "entries": f"{found.entries:,}",
                    "balance": f"{balance_text(found.balance)} {found.balance.amount.currency}",
                }
            )
        )  # fmt: skip

    said = {
        "book": book, "account": found.code, "type": found.type, "position": found.position,
        "effective_at": found.effective_at, "entries": found.entries, "balance": found.balance,
        "posting_sequence": found.posting_sequence, "last_entry_position": found.last_entry_position,
    }  # fmt: skip
    state.output.data(said, render)
