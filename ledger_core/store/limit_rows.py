"""Limits of locked heads: read only where a head has some, checked over columns, or handed on one by one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg

from ledger_core.domain.cases import Head
from ledger_core.domain.limit_columns import NO_MAXIMUM, NO_MINIMUM, LimitColumns
from ledger_core.domain.limits import Limits
from ledger_core.domain.vouchers import Side
from ledger_core.store.columns import Int64s, IntArray
from ledger_core.store.named_sql import load_queries

QUERIES = load_queries("ledger_core.store", "posting.sql")


@dataclass(slots=True, frozen=True)
class HeadLimits:
    """Limits of one locked head, and what holds will take on either side of it."""

    limits: Limits
    normal_side: Side
    debits_pending_minor: int
    credits_pending_minor: int

    def put_into(self, head: Head) -> None:
        head.limits, head.normal_side = self.limits, self.normal_side
        head.debits_pending_minor, head.credits_pending_minor = self.debits_pending_minor, self.credits_pending_minor


def read_limits(cursor: psycopg.Cursor[Any], keys: Int64s) -> dict[int, HeadLimits]:
    """Of heads that are locked already, by their key; those without a policy are left out."""
    parameters = {"books": IntArray(keys >> 32, 4), "accounts": IntArray(keys & 0xFFFFFFFF, 4)}
    rows = cursor.execute(QUERIES["head_limits"], parameters).fetchall()
    return {
        book_id << 32 | account_id: HeadLimits(Limits(minimum, maximum, policy), side, debits, credits)
        for book_id, account_id, minimum, maximum, policy, side, debits, credits in rows
    }


def limit_columns(keys: Int64s, limited: dict[int, HeadLimits]) -> LimitColumns:
    """The limits of these heads as columns in the order of `keys`."""
    count = len(keys)
    columns = LimitColumns(
        np.full(count, NO_MINIMUM, dtype=np.int64), np.full(count, NO_MAXIMUM, dtype=np.int64),
        np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_),
        np.ones(count, dtype=np.int64), np.zeros(count, dtype=np.int64),
    )  # fmt: skip
    for place, key in zip(np.searchsorted(keys, list(limited)).tolist(), limited, strict=True):
        if place == count or keys[place] != key:
            continue
        head = limited[key]
        limits = head.limits
        columns.minimum_minor[place] = NO_MINIMUM if limits.minimum_minor is None else limits.minimum_minor
        columns.maximum_minor[place] = NO_MAXIMUM if limits.maximum_minor is None else limits.maximum_minor
        columns.denies[place], columns.warns[place] = limits.policy == "D", limits.policy == "W"
        debit_normal = head.normal_side == "D"
        columns.sign[place] = 1 if debit_normal else -1
        columns.held_minor[place] = head.credits_pending_minor if debit_normal else head.debits_pending_minor
    return columns
