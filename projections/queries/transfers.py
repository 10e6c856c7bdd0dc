"""Transfers as far as the projection has come, and what of each waits, which is exact."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from psycopg.rows import args_row

from projections.queries.amounts import Amount
from projections.queries.errors import NotFoundError
from projections.queries.parts import PartRow, parts_of
from projections.queries.payments import FAR_AHEAD, QUERIES, Period
from projections.queries.snapshot import QUERIES as SHARED
from projections.queries.snapshot import Snapshot
from projections.queries.timelines import TimelineEvent, events_at

DEPOSIT: Final = "inflow"
APPROVAL: Final = "approval"


@dataclass(frozen=True, slots=True)
class Transfer:
    """`received` is what its deposits brought less what went back (`compensated`); `monitoring` its last verdict."""

    transfer_id: str
    state: str
    monitoring: str
    approvals: int
    reference: str
    failure_reason: str
    amount: Amount
    received: Amount
    compensated: Amount
    first_effective_at: datetime
    last_effective_at: datetime
    last_position: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that is parked under the order key, and what it waits for: a gate, an event, an account."""

    event_id: str
    source: str
    code: str
    detail: str
    waits_for: str
    parked_at: int


@dataclass(frozen=True, slots=True)
class Waits:
    """Read from the rows that decide, so exact at `position`, the book's own."""

    position: int
    events: Sequence[Waiting]


@dataclass(frozen=True, slots=True)
class TransferStory:
    """One transfer with its deposits, who approved it, every event that was accepted, and what waits."""

    transfer: Transfer
    deposits: Sequence[PartRow]
    approved_by: Sequence[str]
    timeline: Sequence[TimelineEvent]
    waits: Waits


class TransferFilter(NamedTuple):
    """What is asked for."""

    state: str | None = None
    began: Period = Period()


class After(NamedTuple):
    """The last one of the page before."""

    began: datetime = FAR_AHEAD
    transfer_id: str = ""


START: Final = After()


def transfers(at: Snapshot, wanted: TransferFilter, *, after: After = START, limit: int = 100) -> list[Transfer]:
    """The newest first, that come after `after`; `at` must read PARTS."""
    parameters = {
        "book_id": at.book_id, "state": wanted.state, "since": wanted.began.since, "until": wanted.began.until,
        "before": after.began, "before_key": after.transfer_id, "limit": limit,
    }  # fmt: skip
    with at.connection.cursor(row_factory=args_row(_transfer)) as cursor:
        return cursor.execute(QUERIES["transfers"], parameters).fetchall()


def transfer_story(at: Snapshot, transfer_id: str) -> TransferStory:
    """Of one transfer; `at` must read PARTS. Raises NotFoundError."""
    with at.connection.cursor(row_factory=args_row(_transfer)) as cursor:
        found = cursor.execute(QUERIES["transfer"], {"book_id": at.book_id, "order_key": transfer_id}).fetchone()
    if found is None:
        raise NotFoundError("transfer")
    parts = parts_of(at, transfer_id)
    places = sorted({position for part in parts for position in part.positions})
    return TransferStory(
        found,
        [part for part in parts if part.kind == DEPOSIT],
        [part.part_id for part in parts if part.kind == APPROVAL],
        events_at(at, places),
        _waits(at, transfer_id),
    )


def _waits(at: Snapshot, transfer_id: str) -> Waits:
    position: int = at.connection.execute(SHARED["position_of_log"], {"book_id": at.book_id}).fetchall()[0][0]
    with at.connection.cursor(row_factory=args_row(Waiting)) as cursor:
        events = cursor.execute(QUERIES["waiting"], {"book_id": at.book_id, "order_key": transfer_id}).fetchall()
    return Waits(position, events)


def _transfer(
    transfer_id: str, state: str, monitoring: str, approvals: int, reference: str, failure_reason: str, currency: str,
    scale: int | None, amount_minor: int, received_minor: int, compensated_minor: int, first_effective_at: datetime,
    last_effective_at: datetime, last_position: int,
) -> Transfer:  # fmt: skip
    money = (currency, scale or 0)
    return Transfer(
        transfer_id, state, monitoring, approvals, reference, failure_reason, Amount(amount_minor, *money),
        Amount(received_minor, *money), Amount(compensated_minor, *money), first_effective_at, last_effective_at,
        last_position,
    )  # fmt: skip
