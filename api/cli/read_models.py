"""What commands over read models have in common: how far these have come, days to choose by, timelines."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.cli.command import state_of
from api.cli.output import moment, money, table
from api.cli.stores import open_store
from projections.queries.amounts import Amount
from projections.queries.payments import FAR_AHEAD, LONG_AGO, Period
from projections.queries.snapshot import QUERIES, Reads, Snapshot
from projections.queries.timelines import TimelineEvent
from projections.queries.vouchers import Quote


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no day, YYYY-MM-DD") from error


Since = Annotated[
    date | None, typer.Option(parser=_day, metavar="DAY", help="Only what began on this UTC day or later.")
]
Through = Annotated[date | None, typer.Option(parser=_day, metavar="DAY", help="Only what began until this UTC day.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most this many rows.")]


@dataclass(frozen=True, slots=True)
class Behind:
    """How far a read model has come, and how far the book."""

    position: int
    book_position: int

    @property
    def facts(self) -> dict[str, int]:
        return {"position": self.position, "book_position": self.book_position}

    def draw(self, console: Console) -> None:
        """Says so, where it is not all there is."""
        if self.position < self.book_position:
            console.print(
                f"as of position {self.position:,}; the book stands at {self.book_position:,}: relay and projector "
                "bring the rest (ledgerctl lag)"
            )


@contextmanager
def reading(context: typer.Context, book: str, reads: Reads) -> Iterator[tuple[Snapshot, Behind]]:
    """A snapshot of a read model, and how far it has come."""
    state = state_of(context)
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        store.reading(book, reads=reads) as at,
    ):
        row = at.connection.execute(QUERIES["position_of_log"], {"book_id": at.book_id}).fetchall()[0]
        yield at, Behind(at.position, row[0])


def began(since: date | None, through: date | None) -> Period:
    """From the beginning of one day to the end of another, in UTC."""
    return Period(
        datetime.combine(since, time(), UTC) if since else LONG_AGO,
        datetime.combine(through, time(), UTC) + timedelta(days=1)
        if through and through < FAR_AHEAD.date()
        else FAR_AHEAD,
    )


def timeline_table(events: Sequence[TimelineEvent]) -> Table:
    """Events with what came of them, and the records that they came by."""
    drawn = table(
        "position", "effective", "event", "outcome", "voucher", "amount", "", "about", "details", "cause",
        right=("position", "voucher", "amount"),
    )  # fmt: skip
    for event in events:
        cause = event.cause
        drawn.add_row(
            str(event.position), moment(event.effective_at), event.event_type,
            " ".join(filter(None, (event.outcome, event.code))), str(event.voucher_no or ""),
            money(event.amount) if event.amount else "", event.amount.currency if event.amount else "",
            ", ".join([*event.about.values(), *filter(None, (event.failure_reason, event.waits_for))]),
            "; ".join(f"{name.replace('_', ' ')} {_in_words(said)}" for name, said in event.details.items()),
            f"{cause.event_id} of {cause.source}, {cause.topic}[{cause.partition}]@{cause.offset}" if cause else "",
        )  # fmt: skip
    return drawn


def _in_words(said: object) -> str:
    """A detail for a person: amounts as money, lists and objects without their brackets."""
    match said:
        case Amount():
            return f"{money(said)} {said.currency}"
        case Quote():
            age = f"{said.age_seconds} s old{', stale' if said.stale else ''}"
            return f"{said.rate} {said.counter} for 1 {said.base} by {said.provider}, {age}"
        case Mapping():
            return ", ".join(f"{name.replace('_', ' ')} {_in_words(inner)}" for name, inner in said.items())
        case list():
            return " + ".join(_in_words(inner) for inner in said)
    return str(said)
