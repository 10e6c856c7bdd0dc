"""Checks that one query each can answer: small tables, and rows that lie where none should."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import psycopg

from ledger_core.store.named_sql import load_queries
from ledger_core.store.verify.inbox import ACCOUNT_CHANGES
from ledger_core.store.verify.letters import check_parked_bytes
from ledger_core.store.verify.periods import check_periods
from ledger_core.store.verify.report import Tally
from ledger_core.store.verify.scan import SourceCounts
from ledger_core.store.verify.snapshot import BookEnd

OUTSIDE: Final = {"blocks_outside": "blocks", "events_outside": "positions", "entries_outside": "entries_match_events"}
"""Queries for rows beyond the ends of a book, and the checks that they belong to."""


class ToldBy(NamedTuple):
    """A query that reads some types of events alone: its check, what that names, and how those types begin."""

    query: str
    check: str
    what: str
    types: tuple[str, ...]


TOLD_BY: Final = (
    ToldBy("dead_letters", "dead_letters", "position", ("event.rejected", "event.parked")),
    ToldBy("accounts_and_events", "accounts", "account", ("account.",)),
    ToldBy("charts", "charts", "version", ("book.created", "chart.applied")),
    ToldBy("crossings", "crossings", "position", ("account.went_negative", "account.went_over")),
)
EVERY_POSITION: Final = 2**63 - 1

SYSTEM_BOOK_ID: Final = 0
COUNTED: Final = ("posted", "recorded", "skipped", "rejected", "parked")
TYPE_OF_COUNT: Final = {
    "posted": "voucher.posted",
    "recorded": "fact.recorded",
    "skipped": "event.skipped",
    "rejected": "event.rejected",
    "parked": "event.parked",
}


class TableChecks:
    """Runs them over one snapshot."""

    def __init__(self, connection: psycopg.Connection[Any], tally: Tally) -> None:
        self._connection = connection
        self._queries = load_queries("ledger_core.store.verify", "checks.sql")
        self._tally = tally

    def check_book(self, book: BookEnd, last_of_type: Mapping[str, int] | None) -> None:
        """`last_of_type` are positions behind which no event of a type stands, of a book that was read in full."""
        for query, check in OUTSIDE.items():
            limit = book.block_number if query == "blocks_outside" else book.position
            count, first = self._one(query, (book.book_id, limit))
            if count:
                self._tally.bad(check, f"book {book.code}: {count} beyond its ends, first {first}")
                last_of_type = None
        count, event_id = self._one("inbox_without_block", {"book_id": book.book_id})
        if count:
            self._tally.bad("inbox_to_events", f"book {book.code}: event id {event_id} leads to no position")
        self._check_trial_balance(book)
        self._check_first_bad("entry_order_keys", (book.book_id,), f"book {book.code}: entry at position")
        self._check_first_bad("parked_keys", {"book_id": book.book_id}, f"book {book.code}: order key")
        for told in TOLD_BY:
            parameters = {"book_id": book.book_id, "until": _until(last_of_type, told.types)}
            self._check_first_bad(told.query, parameters, f"book {book.code}: {told.what}", check=told.check)
        check_parked_bytes(self._connection, book, self._tally)
        if book.book_id == SYSTEM_BOOK_ID:
            self._check_first_bad("assets_and_events", (), "asset", check="assets")
        check_periods(self._connection, book.book_id, book.code, self._tally)
        self._check_first_bad("merchants", (book.book_id,), "book")
        self._check_first_bad("webhooks", (book.book_id,), f"book {book.code}: endpoint")
        count, published = self._one("relay_checkpoint", (book.book_id,))
        self._tally.count("relay_checkpoints", count)
        if published is not None and published > book.position:
            self._tally.bad("relay_checkpoints", f"book {book.code}: published up to {published}")

    def check_sources(self, counts: SourceCounts | None) -> None:
        """Partitions over all books together: one partition may feed several. `counts` are those of the whole log."""
        self._check_first_bad("source_offsets", (), "partition")
        if counts is None:
            return
        rows = self._connection.execute(self._queries["source_counters"]).fetchall()
        self._tally.count("source_counters", len(rows))
        known = set()
        counts = _as_counted(counts)
        for topic, partition, *counters in rows:
            known.add((topic, partition))
            held = [counts[topic, partition, TYPE_OF_COUNT[name]] for name in COUNTED]
            for name, counted, logged in zip(COUNTED, counters, held, strict=True):
                if counted != logged:
                    where = f"partition {topic}/{partition}: {counted} {name}, the log holds {logged}"
                    self._tally.bad("source_counters", where)
        for topic, partition, _ in sorted(counts, key=str):
            if (topic, partition) not in known:
                self._tally.bad("source_counters", f"partition {topic}/{partition} was never consumed")

    def _check_trial_balance(self, book: BookEnd) -> None:
        rows = self._connection.execute(self._queries["trial_balance"], (book.book_id,)).fetchall()
        self._tally.count("trial_balance", len(rows))
        for currency, difference, _ in rows:
            if difference:
                self._tally.bad("trial_balance", f"book {book.code}: {currency} is out by {difference} minor units")

    def _check_first_bad(
        self, query: str, parameters: Sequence[Any] | dict[str, Any], where: str, *, check: str | None = None
    ) -> None:
        """A query that answers (how many, first bad one or null). Bytes it cannot read are a violation, too."""
        try:
            with self._connection.transaction():
                count, first = self._one(query, parameters)
        except psycopg.DataError as error:
            count, first = 0, f"unreadable: {error.diag.message_primary}"
        self._tally.count(check or query, count)
        if first is not None:
            self._tally.bad(check or query, f"{where} {first}")

    def _one(self, query: str, parameters: Sequence[Any] | dict[str, Any]) -> tuple[Any, ...]:
        row = self._connection.execute(self._queries[query], parameters).fetchone()
        return row or (0, None)


def _until(last_of_type: Mapping[str, int] | None, types: tuple[str, ...]) -> int:
    """How far such events have to be looked for."""
    if last_of_type is None:
        return EVERY_POSITION
    return max((last for name, last in last_of_type.items() if name.startswith(types)), default=0)


def _as_counted(counts: SourceCounts) -> SourceCounts:
    """Events of accounts that upstream events asked for count as recorded."""
    counted: SourceCounts = Counter()
    for (topic, partition, name), count in counts.items():
        counted[topic, partition, TYPE_OF_COUNT["recorded"] if name in ACCOUNT_CHANGES else name] += count
    return counted
