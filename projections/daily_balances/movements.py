"""Movements per account and day on their way into tables: what daily balances and the trial balance share.

Both are sums of the same movements, so both add the same columns.
"""

from collections.abc import Mapping

from ledger_core.store.arrays import integers, texts
from projections.daily_balances.fold import MovementRows


def movement_columns(rows: MovementRows, versions: Mapping[int, int]) -> tuple[str, ...]:
    """A batch's movements as array literals, in the order of the tables' statements."""
    if rows.literals is None:
        rows.literals = _literals(rows)
    books, *others = rows.literals
    return (books, integers([versions[book_id] for book_id, _, _ in rows]), *others)


def _literals(rows: MovementRows) -> tuple[str, ...]:
    movements = rows.values()
    return (
        integers([book_id for book_id, _, _ in rows]),
        texts([account for _, account, _ in rows]),
        texts([day for _, _, day in rows]),
        texts([row.currency for row in movements]),
        integers([row.debits_minor for row in movements]),
        integers([row.credits_minor for row in movements]),
        integers([row.entries for row in movements]),
    )
