"""A small ledger in plain Python for all that services may ask of the books: vouchers, splits, groups, exchanges,
adjustments, voids, holds, payments and accounts, between accounts that are frozen, limited and closed, and periods that
close.

It imports nothing of the product. A batch is decided in the order of its events; queues that it woke drain behind it.
Amounts are integers, accounts are names, days are texts that sort.
"""

from tests.models.complete.books import Account, Books
from tests.models.complete.events import (
    Authorize,
    Capture,
    CloseAccount,
    Event,
    Exchange,
    Freeze,
    Group,
    Line,
    OpenAccount,
    Pay,
    Place,
    Refund,
    Release,
    Split,
    Unfreeze,
    Void,
    VoidPayment,
    Voucher,
)
from tests.models.complete.ledger import Ledger
from tests.models.complete.vouchers import SCALES

__all__ = [
    "SCALES", "Account", "Authorize", "Books", "Capture", "CloseAccount", "Event", "Exchange", "Freeze", "Group",
    "Ledger", "Line", "OpenAccount", "Pay", "Place", "Refund", "Release", "Split", "Unfreeze", "Void",
    "VoidPayment", "Voucher",
]  # fmt: skip
