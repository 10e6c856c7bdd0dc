"""`ledgerctl parked`: what waits, for what, and another look at it."""

from typing import Annotated

import typer
from rich.console import Console

from api.cli.command import Book, Json, state_of
from api.cli.healing import decided, heal_all
from api.cli.output import moment, table
from api.cli.stores import open_store
from api.cli.verify import shown_progress
from projections.queries import parked as parked_queries


def parked(
    context: typer.Context,
    book: Book,
    again: Annotated[
        bool, typer.Option("--again", help="Decide all of them again: what became impossible meanwhile is rejected.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="List at most this many order keys.")] = 100,
    _json: Json = False,
) -> None:
    """List order keys that wait, with the event that each waits behind; the longest first."""
    state = state_of(context)
    healed = 0
    with open_store(state.database, book=book, say=state.output.say) as store:
        if again:
            with store.reading(book) as at:
                awaited = parked_queries.waited_for(at)
            with shown_progress(state.output, "deciding again") as progress:
                healed = heal_all(store, book, awaited, progress)
        with store.reading(book) as at:
            found, position = parked_queries.parked(at, limit=limit), at.position

    def render(console: Console) -> None:
        drawn = table("order key", "event", "code", "waits for", "since", "events", right=("events",))
        for key in found:
            since = moment(key.recorded_at)
            drawn.add_row(key.order_key, key.event_id, key.code, key.waits_for, since, str(key.events))
        console.print(drawn)
        if again:
            console.print(decided(healed))

    state.output.data({"book": book, "position": position, "parked": found, "decided": healed}, render)
