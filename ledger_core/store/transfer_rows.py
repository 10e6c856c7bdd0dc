"""What transfers and sweeps are decided on, on the exact path: policies, what their parts add up to, what is available.

A batch without any of them comes here for nothing.
"""

from collections.abc import Sequence

from ledger_core.domain.cases import HeadKey, Locked
from ledger_core.domain.transfer_life import stands_of
from ledger_core.domain.transfers import STEP_FACTS, SweepRequested
from ledger_core.domain.vouchers import Side
from ledger_core.store.items import Item
from ledger_core.store.policy_rows import QUERIES
from ledger_core.store.transaction import Transaction


def read_transfers(transaction: Transaction, items: Sequence[Item], locked: Locked) -> None:
    """Fills `locked`, whose parts were read before."""
    books = {item.book.book_id: item.book for item in items if isinstance(item.fact, STEP_FACTS)}
    if books:
        locked.transfer_policies = {book_id: book.chart.transfers for book_id, book in books.items()}
        locked.transfers = stands_of(locked.parts)
    swept: dict[HeadKey, Side] = {
        item.movements[0].head: item.book.accounts[item.movements[0].line.account].normal_side
        for item in items
        if isinstance(item.fact, SweepRequested) and item.movements and item.movements[0].head > 0  # open, that is
    }
    if swept:
        _read_available(transaction, swept, locked)


def _read_available(transaction: Transaction, sides: dict[HeadKey, Side], locked: Locked) -> None:
    """What holds will take of each account, and on which side it stands."""
    ordered = sorted(sides)
    parameters = {"books": [key >> 32 for key in ordered], "accounts": [key & 0xFFFFFFFF for key in ordered]}
    rows = transaction.cursor.execute(QUERIES["floors"], parameters).fetchall()
    for book_id, account_id, _, _, debits_pending, credits_pending in rows:
        head = locked.heads[book_id << 32 | account_id]
        head.normal_side = sides[book_id << 32 | account_id]
        head.debits_pending_minor, head.credits_pending_minor = debits_pending, credits_pending
