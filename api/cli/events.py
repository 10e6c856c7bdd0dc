"""`ledgerctl event`: what became of an upstream event."""

from typing import Annotated

import typer
from rich.console import Console

from api.cli.command import Book, Json, group, state_of
from api.cli.output import details, moment
from api.cli.stores import open_store
from projections.queries.events import Decision, event_outcome

app = group("event", "Look up upstream events.")


@app.callback()
def events() -> None:
    """Look up upstream events."""


@app.command()
def show(
    context: typer.Context,
    event_id: Annotated[str, typer.Argument(help="Id of the event, as its producer gave it.")],
    source: Annotated[str, typer.Option(help="Source of the event, as its producer gave it.")],
    book: Book,
    _json: Json = False,
) -> None:
    """Show the outcome of an upstream event: every decision on it, the last of which counts."""
    state = state_of(context)
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        store.reading(book) as at,
    ):
        found = event_outcome(at, source, event_id)

    def render(console: Console) -> None:
        for decision in found.revisions:
            _draw(console, decision)
        if found.conflicts:
            console.print(f"{len(found.conflicts)} events of the same id with other content were refused")

    state.output.data({"book": book, "event": found, "outcome": found.current.outcome}, render)


def _draw(console: Console, decision: Decision) -> None:
    pairs: dict[str, object] = {
        "outcome": decision.outcome, "position": decision.position, "event type": decision.event_type,
        "order key": decision.order_key, "effective": moment(decision.effective_at),
        "recorded": moment(decision.recorded_at),
        "record": f"{decision.topic}[{decision.partition}] at offset {decision.offset}",
    }  # fmt: skip
    if decision.voucher_no:
        pairs["voucher"] = decision.voucher_no
    if decision.code:
        pairs |= {"code": decision.code, "detail": decision.detail}
    if decision.waits_for:
        pairs["waits for"] = decision.waits_for
    if decision.revision > 1:
        pairs["revision"] = decision.revision
    console.print(details(pairs))
