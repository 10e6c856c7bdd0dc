"""Heads of accounts under lock: as columns, for decisions over columns, and one by one, for those that can refuse."""

from dataclasses import dataclass, field

import numpy as np

from ledger_core.domain.cases import OPEN, Head, HeadKey
from ledger_core.domain.decide import HeadColumns
from ledger_core.store.columns import Int64s
from ledger_core.store.limit_rows import HeadLimits


@dataclass(slots=True, frozen=True)
class LockedHeads:
    """Heads under lock, as columns in key order. `keys` are book_id << 32 | account_id."""

    keys: Int64s
    columns: HeadColumns
    assets: Int64s
    statuses: str
    """One letter each; in lower case where the head has limits that warn or deny."""
    limited: dict[HeadKey, HeadLimits] = field(default_factory=dict)

    @property
    def all_open(self) -> bool:
        return self.statuses.upper().count(OPEN) == len(self.keys)

    def only(self, keys: Int64s) -> "LockedHeads":
        """The rows of these keys, which are sorted and all here."""
        rows = np.searchsorted(self.keys, keys)
        columns = HeadColumns(*(column[rows] for column in self.columns))
        statuses = "".join([self.statuses[row] for row in rows])
        return LockedHeads(keys, columns, self.assets[rows], statuses, self.limited)

    def by_key(self) -> dict[HeadKey, Head]:
        """One by one, for decisions that can refuse."""
        columns = zip(
            self.keys.tolist(),
            *(c.tolist() for c in self.columns),
            self.assets.tolist(),
            self.statuses.upper(),
            strict=True,
        )
        heads = {
            key: Head(sequence, debits, credits, asset, status)
            for key, sequence, debits, credits, asset, status in columns
        }
        for key, limits in self.limited.items():
            limits.put_into(heads[key])
        return heads
