"""What goes on after a start: order keys that were accepted something since, with all that the log says of them before.

Their rows can then be compared whole. Rows of order keys that nothing happened to since are taken as they are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import psycopg

from ledger_core.store.columns import Int64s
from ledger_core.store.named_sql import load_queries
from ledger_core.store.verify.exchanges import ExchangeSums
from ledger_core.store.verify.holds import HoldSums
from ledger_core.store.verify.parts import PartSums
from ledger_core.store.verify.rows import decode, kinds_of
from ledger_core.store.verify.snapshot import BookEnd
from ledger_core.store.verify.subjects import SubjectSums, amount_of

AT_ONCE: Final = 8_000


@dataclass(slots=True)
class KeySums:
    """What the log adds up to by order key: payments, what follows them in steps, and holds."""

    subjects: SubjectSums = field(default_factory=SubjectSums)
    parts: PartSums = field(default_factory=PartSums)
    holds: HoldSums = field(default_factory=HoldSums)
    exchanges: ExchangeSums = field(default_factory=ExchangeSums)

    def add(self, subjects: SubjectSums, parts: PartSums, holds: HoldSums, exchanges: ExchangeSums) -> None:
        """The sums of a run of positions."""
        self.subjects = SubjectSums(self.subjects.sums + subjects.sums, self.subjects.counted + subjects.counted)
        self.parts.join(parts)
        self.exchanges.join(exchanges)
        self.holds = HoldSums(self.holds.sums + holds.sums, self.holds.counted + holds.counted)


def add_earlier(
    connection: psycopg.Connection[Any], book: BookEnd, position: int, order_keys: Iterable[str], sums: KeySums
) -> list[str]:
    """Adds what happened up to a position to these order keys, and to holds that say they changed since; returns them
    all. The sums may hold nothing else."""
    queries = load_queries("ledger_core.store.verify", "resumed.sql")
    parameters: dict[str, Any] = {"book_id": book.book_id, "position": position}
    claimed = connection.execute(queries["holds_since"], parameters).fetchall()
    keys = sorted({*order_keys, *(row[0] for row in claimed)})
    if not keys:
        return keys
    with connection.cursor(name="earlier_events", binary=True) as cursor:
        cursor.itersize = AT_ONCE
        cursor.execute(queries["earlier_events"], {**parameters, "keys": keys})
        while rows := cursor.fetchmany(AT_ONCE):
            _take(rows, sums)
    return keys


def _take(rows: list[tuple[int, str, bytes, int]], sums: KeySums) -> None:
    positions, order_keys, states, references = map(list, zip(*rows, strict=True))
    documents = decode(states)
    kinds, amounts = kinds_of(documents), [amount_of(document) for document in documents]
    placed: Mapping[int, int] = dict(zip(positions, references, strict=True))

    def references_of(at: Int64s) -> Int64s:
        return np.array([placed[position] for position in at.tolist()], dtype=np.int64)

    sums.subjects.take_events(order_keys, positions, kinds, amounts, references_of)
    sums.parts.take_events(order_keys, positions, kinds, states, references_of)
    sums.parts.take_splits(order_keys, documents)
    sums.holds.take_events(order_keys, positions, documents)
    sums.exchanges.take_events(order_keys, documents)
