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
from ledger_core.store.verify.inbox import ACCOUNT_CHANGES, OUTCOME_TYPES
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


class Buckets:
    """A server-side cursor whose rows are buckets of positions, some of which may be absent."""

    def __init__(self, connection: psycopg.Connection[Any], name: str, query: LiteralString, span: Span) -> None:
        self._cursor = connection.cursor(name=name, binary=True)
        self._cursor.itersize = 1
        self._cursor.execute(
            query,
            {
                "book_id": span.book_id,
                "first": span.first_position,
                "last": span.last_position,
                "first_block": span.first_block,
                "last_block": span.last_block,
                "bucket": BUCKET,
            },
        )
        self._ahead: Sequence[Any] | None = self._cursor.fetchone()

    def take(self, bucket: int) -> Sequence[Any] | None:
        """The columns of this bucket. Rows before it lie outside the run: other checks find those."""
        while self._ahead is not None and self._ahead[0] < bucket:
            self._ahead = self._cursor.fetchone()
        if self._ahead is None or self._ahead[0] != bucket:
            return None
        return self._ahead[1:]

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


def entries_of(row: Sequence[Any], accounts: Accounts) -> Entries:
    position, account_id, asset, sequence, amount, running, effective, packed = row
    place = np.searchsorted(accounts.ids, account_id)
    found = place < len(accounts.ids)
    found[found] = accounts.ids[place[found]] == account_id[found]
    flags = packed >> 26
    return Entries(
        position=position,
        account=np.where(found, place, -1),
        asset=asset,
        sequence=sequence,
        amount=amount,
        running=running,
        effective=effective,
        line=packed & 0xFFFF,
        purpose=(packed >> 16) & 0x3FF,
        is_debit=(flags & 1).astype(np.bool_),
        has_order_key=(flags & 2).astype(np.bool_),
    )


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
