"""Source rows: how far each partition is consumed, and whether the log is still the one we consumed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import psycopg

from ledger_core.domain.incoming import Record
from ledger_core.store.named_sql import load_queries

QUERIES = load_queries("ledger_core.store", "posting.sql")


@dataclass(slots=True, frozen=True)
class SourcePosition:
    """Where one partition stands. `last_*` describe the last record consumed, -1 and empty before the first."""

    topic: str
    partition: int
    incarnation: int
    beginning: int
    next_offset: int
    last_offset: int
    last_timestamp_ms: int
    last_hash: bytes
    stopped_code: str
    stopped_detail: str


@dataclass(slots=True, frozen=True)
class Maintenance:
    """A row that stops posting: in one book (0 means all), for a scope, with a reason."""

    book_id: int
    book: str
    scope: str
    mode: str
    reason: str


def record_hash(record: Record) -> bytes:
    """Sixteen bytes that tell this record from another one at the same offset of a recreated topic."""
    digest = blake2b(record.key or b"", digest_size=16)
    digest.update(b"\0")
    digest.update(record.value or b"")
    return digest.digest()


class SourcePositions:
    """Reads and creates source rows, on a connection of its own in autocommit, which its owner sets and renews."""

    connection: psycopg.Connection[Any]

    def find(self, beginnings: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], SourcePosition]:
        """Rows of these partitions; those seen for the first time are created at their log's beginning.

        Read first: an INSERT, even one that does nothing, waits for whoever is moving the row.
        """
        found = self._read(beginnings)
        missing = {key: beginnings[key] for key in beginnings.keys() - found.keys()}
        if missing:
            with self.connection.transaction():
                self.connection.execute(QUERIES["insert_source_positions"], _columns(missing))
            found.update(self._read(missing))
        return found

    def _read(self, keys: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], SourcePosition]:
        with self.connection.cursor(binary=True) as cursor:
            rows = cursor.execute(QUERIES["source_positions"], _columns(keys)).fetchall()
        return {(row[0], row[1]): SourcePosition(*row) for row in rows}

    def stored(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        """Positions of all partitions of these topics that were ever consumed."""
        rows = self.connection.execute(QUERIES["positions_of_topics"], (list(topics),)).fetchall()
        return {(topic, partition): next_offset for topic, partition, next_offset in rows}

    def stop(self, topic: str, partition: int, code: str, detail: str) -> None:
        """Stops a partition until an operator starts it again; reconciliation makes a finding of it."""
        parameters = {"topic": topic, "partition": partition, "code": code, "detail": detail}
        self.connection.execute(QUERIES["stop_source"], parameters)

    def maintenance(self) -> list[Maintenance]:
        """Rows in force now."""
        return [Maintenance(*row) for row in self.connection.execute(QUERIES["maintenance"]).fetchall()]

    def halted(self, books: Sequence[str]) -> list[str]:
        """Which of these books take no postings."""
        return [code for (code,) in self.connection.execute(QUERIES["halted_of_codes"], (list(books),))]


def _columns(beginnings: Mapping[tuple[str, int], int]) -> dict[str, Sequence[object]]:
    keys = sorted(beginnings)
    return {
        "topics": [topic for topic, _ in keys],
        "partitions": [partition for _, partition in keys],
        "beginnings": [beginnings[key] for key in keys],
    }
