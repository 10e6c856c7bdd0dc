"""The fold of daily movements per account, which daily balances and the trial balance share."""

from collections.abc import Iterable
from dataclasses import dataclass

from projections.events import VOUCHER_POSTED, LedgerEvent

DAY_LENGTH = len("2026-11-21")


@dataclass(slots=True)
class Movement:
    """What a batch moves on one account in one day, in minor units of the account's currency."""

    currency: str
    debits_minor: int = 0
    credits_minor: int = 0
    entries: int = 0


class MovementRows(dict[tuple[int, str, str], Movement]):
    """Movements by (book_id, account code, UTC day as text)."""

    literals: tuple[str, ...] | None = None
    """The movements as array literals, once one table was written: both take the same."""


def fold_movements(events: Iterable[LedgerEvent], rows: MovementRows) -> None:
    """Movements per (book_id, account code, UTC day as text)."""
    rows.literals = None
    for book_id, _, event_type, _, state in events:
        if event_type != VOUCHER_POSTED:
            continue
        day = state["effective_at"][:DAY_LENGTH]
        for line in state["lines"]:
            key = (book_id, line[0], day)
            row = rows.get(key)
            if row is None:
                row = rows[key] = Movement(line[3])
            if line[1] == "D":
                row.debits_minor += int(line[2])
            else:
                row.credits_minor += int(line[2])
            row.entries += 1
