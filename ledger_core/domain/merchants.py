"""Merchants as their own service tells of them: each has a book, which takes postings unless it was dropped."""

from dataclasses import dataclass
from enum import StrEnum


class MerchantStatus(StrEnum):
    """PROVISIONED: the book is there, with its chart and control accounts. ACTIVE: the merchant trades.

    DROPPED: the book takes no posting, and its history stays.
    """

    PROVISIONED = "PROVISIONED"
    ACTIVE = "ACTIVE"
    DROPPED = "DROPPED"


@dataclass(slots=True)
class MerchantChanged:
    """A row of the merchants' table was made, read, changed or deleted. `status` None: a tombstone, which says nothing.

    `currencies` are those for which control accounts open at once; others open when they are first needed.
    """

    merchant_id: str
    book: str
    status: MerchantStatus | None
    currencies: tuple[str, ...] = ()
