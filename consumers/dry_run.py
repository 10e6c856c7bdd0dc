"""What would become of a file's events: the very path of `ingest`, in a transaction that is rolled back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, LiteralString

import orjson
import psycopg
from psycopg import errors

from consumers.decode import Decoder
from consumers.files import FileContent, FileIngest, LineOutcome
from ledger_core.domain.outcomes import Outcome
from ledger_core.store.dry_poster import DryPoster
from ledger_core.store.errors import FenceLostError, HoldsDueError, SurpriseError
from ledger_core.store.hold_expiry import expire_keys
from projections.queries.amounts import Amount, Side
from projections.queries.vouchers import VoucherLine

MAX_LINES: Final = 8_000
"""As many as a batch of the consumer: posting waits for the locks of a dry run as it does for those of a batch."""

ATTEMPTS: Final = 5
"""Others post at the same time: what surprises a dry run has become true meanwhile, and is known to the next try."""

EVENTS: Final[LiteralString] = """
    SELECT asked.book, asked.position, event.order_key, event.state
    FROM unnest(%(books)s::text[], %(positions)s::bigint[]) AS asked (book, position)
    JOIN ledger.book_directory ON book_directory.code = asked.book
    JOIN ledger.event ON event.book_id = book_directory.book_id AND event.position = asked.position
"""

SCALES: Final[LiteralString] = "SELECT code, scale FROM ledger.asset"


class FileTooLong(Exception):
    """More lines than a dry run takes."""


@dataclass(frozen=True, slots=True)
class WouldBeVoucher:
    """A voucher that would be posted, and the rule that makes it."""

    kind: str
    rule: str
    lines: Sequence[VoucherLine]


@dataclass(frozen=True, slots=True)
class Fate:
    """What would become of one line of a file. `line` counts from 1.

    `original` says of a known event what became of it the first time; `waits_for` of a parked one what would heal it.
    `vouchers` holds one for a posted event, and all members of a group.
    """

    line: int
    outcome: Outcome
    original: Outcome | None
    code: str
    detail: str
    waits_for: str
    book: str
    source: str
    event_id: str
    event_type: str
    order_key: str
    effective_at: str
    vouchers: Sequence[WouldBeVoucher]


def fates(dsn: str, path: Path, content: FileContent, decoder: Decoder, timestamp_ms: int) -> list[Fate]:
    """The fate of every line, as if the file were ingested now, each on what the lines before it would leave behind.

    Nothing is kept: no outcome, no account opened on the fly, no source row. Raises `FileTooLong`,
    `PostingHaltedError`, psycopg errors.
    """
    if content.lines > MAX_LINES:
        raise FileTooLong(f"{content.lines:,} lines; a dry run takes up to {MAX_LINES:,}, since posting waits for it")
    due: list[HoldsDueError] = []
    for _ in range(ATTEMPTS - 1):
        try:
            return _try_out(dsn, path, content, decoder, timestamp_ms, due)
        except HoldsDueError as found:
            due.append(found)
        except (SurpriseError, FenceLostError, errors.UniqueViolation, errors.DeadlockDetected):
            continue
    return _try_out(dsn, path, content, decoder, timestamp_ms, due)


def _try_out(
    dsn: str, path: Path, content: FileContent, decoder: Decoder, timestamp_ms: int, due: Sequence[HoldsDueError]
) -> list[Fate]:
    """`due`: holds that posting would let expire first."""
    poster = DryPoster(dsn, decode=decoder.decode)
    poster.open()
    try:
        with poster.undone() as connection:
            for holds in due:
                expire_keys(connection, holds.keys, holds.moment)
            outcomes = list(FileIngest(poster, decoder, connection).run(path, content, timestamp_ms))
            return list(_explained(outcomes, connection))
    finally:
        poster.close()


Place = tuple[str, int]
"""Book and position."""


def _explained(outcomes: Sequence[LineOutcome], connection: psycopg.Connection[Any]) -> Iterator[Fate]:
    places = [(one.book, one.position) for one in outcomes]
    found = _events(connection, places)
    members = {place: _members(place, found) for place in places}
    found |= _events(connection, [member for others in members.values() for member in others])
    scales: dict[str, int] = dict(connection.execute(SCALES).fetchall())
    for one, place in zip(outcomes, places, strict=True):
        order_key, state = found.get(place, ("", {}))
        yield Fate(
            line=one.line,
            outcome=one.outcome,
            original=one.original,
            code=one.code,
            detail=one.detail,
            waits_for=str(state.get("waits_for", "")),
            book=one.book,
            source=one.source,
            event_id=one.event_id,
            event_type=str(state.get("event_type", "")),
            order_key=order_key,
            effective_at=str(state.get("effective_at", "")),
            vouchers=[
                _voucher(found[each][1], scales)
                for each in (place, *members[place])
                if each in found and "lines" in found[each][1]
            ],
        )


def _events(connection: psycopg.Connection[Any], places: Sequence[Place]) -> dict[Place, tuple[str, dict[str, Any]]]:
    parameters = {"books": [book for book, _ in places], "positions": [position for _, position in places]}
    rows = connection.execute(EVENTS, parameters).fetchall()
    return {(book, position): (order_key, orjson.loads(state)) for book, position, order_key, state in rows}


def _members(first: Place, found: Mapping[Place, tuple[str, dict[str, Any]]]) -> list[Place]:
    """Where the other members of a group stand: right behind its first."""
    book, position = first
    _, size = found[first][1].get("group", (1, 1)) if first in found else (1, 1)
    return [(book, position + n) for n in range(1, size)]


def _voucher(state: Mapping[str, Any], scales: Mapping[str, int]) -> WouldBeVoucher:
    lines = [
        VoucherLine(
            number,
            account,
            Side.DEBIT if side == "D" else Side.CREDIT,
            Amount(int(amount), currency, scales[currency]),
            purpose,
        )
        for number, (account, side, amount, currency, purpose, *_) in enumerate(state["lines"], start=1)
    ]
    return WouldBeVoucher(str(state.get("kind", "")), str(state.get("rule", "")), lines)
