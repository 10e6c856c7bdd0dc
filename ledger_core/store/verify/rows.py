"""What a scan reads, as columns: blocks, events, and buckets of rows that lie beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Final, LiteralString

import numpy as np
import orjson
import psycopg

from ledger_core.store.columns import Int64s
from ledger_core.store.verify.accounts import Accounts, Entries
from ledger_core.store.verify.inbox import ACCOUNT_CHANGES, OUTCOME_TYPES, InboxRows
from ledger_core.store.verify.lines import Document
from ledger_core.store.verify.snapshot import Span

BUCKET: Final = 8_000
"""Positions held in memory at a time."""


@dataclass(slots=True)
class Block:
    number: int
    batch_id: int
    first: int
    last: int
    recorded_at_us: int
    root: bytes
    previous: bytes
    hash: bytes


@dataclass(slots=True)
class Events:
    """Events of a run of positions, as columns."""

    positions: list[int]
    voucher_nos: list[int]
    types: list[str]
    order_keys: list[str]
    leaves: list[bytes]
    states: list[bytes]

    def some(self, chosen: Sequence[bool]) -> "Events":
        """Those that are chosen."""
        columns = (self.positions, self.voucher_nos, self.types, self.order_keys, self.leaves, self.states)
        return Events(*(list(compress(column, chosen)) for column in columns))  # type: ignore[arg-type]


class EntryBuckets:
    """The entries of a span by buckets of positions, some of which may be absent. A query groups a limited number of
    them, so that the server's memory has a limit wherever the entries lie in their table."""

    AT_ONCE: Final = 250

    def __init__(
        self, connection: psycopg.Connection[Any], query: LiteralString, span: Span, accounts: Accounts
    ) -> None:
        self._connection, self._span, self._accounts = connection, span, accounts
        self._query: LiteralString = query
        self._end = 0
        """The first bucket that is not asked for yet."""
        self._cursor: psycopg.ServerCursor[Any] | None = None
        self._ahead: Sequence[Any] | None = None

    def take(self, bucket: int) -> Entries | None:
        """The entries of this bucket, in the order of the log."""
        if bucket >= self._end:
            self._ask(bucket)
        while self._cursor is not None and self._ahead is not None and self._ahead[0] < bucket:
            self._ahead = self._cursor.fetchone()
        if self._ahead is None or self._ahead[0] != bucket:
            return None
        return entries_of(self._ahead[1], self._accounts)

    def _ask(self, bucket: int) -> None:
        self.close()
        self._end = bucket + self.AT_ONCE
        span, first = self._span, self._span.first_position
        self._cursor = self._connection.cursor(name="entries", binary=True)
        self._cursor.itersize = 1
        # Not even for grouping: how many buckets there are can't be estimated, so that sorting seems the cheaper way.
        self._connection.execute("SET LOCAL enable_sort = off")
        self._cursor.execute(
            self._query,
            {
                "book_id": span.book_id,
                "first": first,
                "begin": first + bucket * BUCKET,
                "end": min(first + self._end * BUCKET - 1, span.last_position),
                "bucket": BUCKET,
            },
        )
        self._connection.execute("SET LOCAL enable_sort = on")
        self._ahead = self._cursor.fetchone()

    def close(self) -> None:
        if self._cursor is not None:
            self._cursor.close()


class InboxBlocks:
    """The inbox rows of a span, read block by block and handed out by positions."""

    def __init__(self, connection: psycopg.Connection[Any], query: LiteralString, span: Span) -> None:
        self._cursor = connection.cursor(name="inbox", binary=True)
        self._cursor.itersize = 1
        self._cursor.execute(
            query, {"book_id": span.book_id, "first_block": span.first_block, "last_block": span.last_block}
        )
        self._ahead: Sequence[Any] | None = self._cursor.fetchone()
        self._held: list[InboxRows] = []

    def take(self, first: int, last: int) -> InboxRows:
        """Rows that lead to these positions, in their order. Rows before them lie outside of their block: other checks
        find those."""
        while self._ahead is not None and self._ahead[0] <= last:
            begin, ordinals, source_ids, revisions, event_ids = self._ahead
            self._held.append(InboxRows(begin + ordinals, source_ids, revisions, event_ids).sorted())
            self._ahead = self._cursor.fetchone()
        found = [rows.between(first, last) for rows in self._held]
        self._held = [rows for rows in self._held if len(rows.positions) and rows.positions[-1] > last]
        return InboxRows.joined([rows for rows in found if len(rows.positions)])

    def close(self) -> None:
        self._cursor.close()


def only_outcomes(events: Events) -> Events:
    if OUTCOME_TYPES.issuperset(events.types):
        return events
    chosen = [
        name in OUTCOME_TYPES or (name in ACCOUNT_CHANGES and b',"cause":[' in state)
        for name, state in zip(events.types, events.states, strict=True)
    ]
    return events.some(chosen)


def references_of(positions: Int64s, blocks: Sequence[Block]) -> Int64s:
    """Places in the log as subjects remember them: batch id and ordinal, in one number."""
    firsts = np.array([block.first for block in blocks], dtype=np.int64)
    batch_ids = np.array([block.batch_id for block in blocks], dtype=np.int64)
    block = np.clip(np.searchsorted(firsts, positions, side="right") - 1, 0, None)
    return batch_ids[block] << 16 | (positions - firsts[block])


def entries_of(words: bytes, accounts: Accounts) -> Entries:
    """Entries out of seven words each, as the query puts them together; in the order of the log."""
    cells = np.frombuffer(words, dtype=">i8").reshape(-1, 7)
    order = np.lexsort((cells[:, 2], cells[:, 0]))
    position, owner, kind, sequence, amount, running, effective = cells[order].T.astype(np.int64)
    account_id, packed = _split(owner, 18)
    line, purpose = _split(kind, 16)
    place = np.searchsorted(accounts.ids, account_id)
    found = place < len(accounts.ids)
    found[found] = accounts.ids[place[found]] == account_id[found]
    return Entries(
        position=position,
        account=np.where(found, place, -1),
        asset=packed >> 2,
        sequence=sequence,
        amount=amount,
        running=running,
        effective=effective,
        line=line,
        purpose=purpose,
        is_debit=(packed & 1).astype(np.bool_),
        has_order_key=(packed & 2).astype(np.bool_),
    )


def _split(words: Int64s, bits: int) -> tuple[Int64s, Int64s]:
    """Two numbers out of one; the lower one has a sign of its own."""
    half = 1 << (bits - 1)
    low = ((words + half) & (2 * half - 1)) - half
    return (words - low) >> bits, low


def decode(states: list[bytes]) -> list[Document]:
    """All states at once; one by one only when one of them is no JSON object, which then counts as empty."""
    try:
        documents = orjson.loads(b"[" + b",".join(states) + b"]")
        if len(documents) == len(states) and set(map(type, documents)) == {dict}:
            return documents  # type: ignore[no-any-return]
    except orjson.JSONDecodeError:
        pass
    return [_decode_one(state) for state in states]


def kinds_of(documents: Sequence[Document]) -> list[bytes]:
    """Upstream types of what was accepted; nothing where it was not."""
    return [str(document.get("event_type")).encode() if "kind" in document else b"" for document in documents]


def _decode_one(state: bytes) -> Document:
    try:
        document = orjson.loads(state)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
