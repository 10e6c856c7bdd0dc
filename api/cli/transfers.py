"""`ledgerctl transfer`: where transfers stand, what of them waits, and the events that made it so."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from api.cli.command import Book, Json, group, state_of
from api.cli.output import details, moment, money, table
from api.cli.read_models import Behind, Limit, Since, Through, began, reading, timeline_table
from projections.queries import transfers as queries
from projections.queries.snapshot import Reads
from projections.queries.states import TransferState
from projections.queries.transfers import Transfer, TransferFilter, TransferStory

app = group("transfer", "Show transfers.")


@app.command(name="list")
def list_transfers(
    context: typer.Context,
    book: Book,
    state: Annotated[TransferState | None, typer.Option(help="Only those in this state.")] = None,
    since: Since = None,
    through: Through = None,
    limit: Limit = 100,
    _json: Json = False,
) -> None:
    """List transfers, the newest first, as far as the read model has come."""
    with reading(context, book, Reads.PARTS) as (at, behind):
        found = queries.transfers(at, TransferFilter(state, began(since, through)), limit=limit)
    state_of(context).output.data(
        {"book": book, **behind.facts, "transfers": found}, lambda console: _draw_list(console, found, behind)
    )


@app.command()
def show(
    context: typer.Context,
    transfer_id: Annotated[str, typer.Argument(help="Id of the transfer.")],
    book: Book,
    _json: Json = False,
) -> None:
    """Show one transfer: its deposits, its approvals, its events, and what of it waits for what."""
    with reading(context, book, Reads.PARTS) as (at, behind):
        story = queries.transfer_story(at, transfer_id)
    said = {
        "transfer": story.transfer, "deposits": story.deposits, "approved_by": story.approved_by, "waits": story.waits,
        "timeline": story.timeline,
    }  # fmt: skip
    state_of(context).output.data({"book": book, **behind.facts, **said}, lambda console: _draw(console, story, behind))


def _draw_list(console: Console, found: Sequence[Transfer], behind: Behind) -> None:
    drawn = table("id", "state", "amount", "received", "", "monitoring", "approvals", "began", "why",
                  right=("amount", "received", "approvals"))  # fmt: skip
    for one in found:
        drawn.add_row(
            one.transfer_id, one.state, money(one.amount), money(one.received), one.amount.currency, one.monitoring,
            str(one.approvals), moment(one.first_effective_at), one.failure_reason,
        )  # fmt: skip
    console.print(drawn)
    behind.draw(console)


def _draw(console: Console, story: TransferStory, behind: Behind) -> None:
    one = story.transfer
    currency = one.amount.currency
    facts = {
        "transfer": one.transfer_id, "state": one.state, "amount": f"{money(one.amount)} {currency}",
        "received": f"{money(one.received)} {currency}", "went back": f"{money(one.compensated)} {currency}",
        "monitoring": one.monitoring, "approved by": ", ".join(story.approved_by), "for": one.reference,
        "why": one.failure_reason, "began": moment(one.first_effective_at), "last step": moment(one.last_effective_at),
    }  # fmt: skip
    console.print(details({name: value for name, value in facts.items() if value}))
    if story.deposits:
        drawn = table("deposit", "state", "amount", "", right=("amount",))
        for part in story.deposits:
            drawn.add_row(part.part_id, part.state, money(part.amount), part.amount.currency)
        console.print(drawn)
    if story.waits.events:
        drawn = table("waits", "for", "because")
        for event in story.waits.events:
            drawn.add_row(event.event_id, event.waits_for, event.detail)
        console.print(drawn)
    console.print(timeline_table(story.timeline))
    behind.draw(console)
