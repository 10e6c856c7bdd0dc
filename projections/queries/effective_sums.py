"""Sums of what took effect through a day, as it was known: the question below balances and trial balances in two times.

An account's entries stand in the order in which they were recorded, so what was known at a position are its first n.
Of these, full stretches come from their roll-ups and the rest is read entry by entry; so the answer is exact however
far the roll-ups have come.
"""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from ledger_core.store.arrays import integers
from projections.day_rollups.stretches import Cover, cover, length
from projections.queries.snapshot import QUERIES, Snapshot


class EffectiveSums(NamedTuple):
    """In minor units of the account's currency, and the number of entries in them."""

    debits_minor: int
    credits_minor: int
    entries: int


NOTHING = EffectiveSums(0, 0, 0)


def effective_sums(at: Snapshot, known: Mapping[int, int], through: date) -> dict[int, EffectiveSums]:
    """By account_id: the sums through a UTC day, inclusive, over the first `known` entries of each account."""
    parameters: dict[str, object] = {"book_id": at.book_id, "account_ids": integers(known)}
    rolled: dict[int, int] = dict(at.connection.execute(QUERIES["rolled_stretches"], parameters).fetchall())
    covers = {account_id: cover(n, length(1) * rolled.get(account_id, 0)) for account_id, n in known.items()}
    rows = at.connection.execute(QUERIES["effective_sums"], parameters | parts(covers, known) | {"through": through})
    return {account_id: EffectiveSums(*sums) for account_id, *sums in rows}


def parts(covers: Mapping[int, Cover], known: Mapping[int, int]) -> dict[str, object]:
    """Stretches, and the entries after them, as columns: parameters of the query."""
    stretches = [(account_id, stretch) for account_id, each in covers.items() for stretch in each.stretches]
    tails = [
        (account_id, each.first, known[account_id])
        for account_id, each in covers.items()
        if each.first <= known[account_id]
    ]
    return {
        "stretch_accounts": integers([account_id for account_id, _ in stretches]),
        "levels": integers([stretch.level for _, stretch in stretches]),
        "chunks": integers([stretch.chunk for _, stretch in stretches]),
        "tail_accounts": integers([account_id for account_id, _, _ in tails]),
        "firsts": integers([first for _, first, _ in tails]),
        "lasts": integers([last for _, _, last in tails]),
    }
