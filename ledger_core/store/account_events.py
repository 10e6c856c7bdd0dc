"""The account's events as they are stored: one encoder for accounts opened one by one and in bulk.

The bytes are those that the event classes of `ledger_core.operations.account_lifecycle` give through the
mapper, so an account that opened on the fly rebuilds through its Application like any other.
"""

from typing import Final
from uuid import UUID, uuid5

import orjson

from ledger_core.store.appender import NewEvent

ACCOUNT_OPENED: Final = "account.opened"
ACCOUNT_FROZEN: Final = "account.frozen"
ACCOUNT_UNFROZEN: Final = "account.unfrozen"

ACCOUNT_NAMESPACE: Final = UUID("5b1f6d0e-6c0f-5c0a-9c57-3f1c2f6f7a10")
"""Fixed for good: account ids are derived in it, the same on every machine and in every replay."""


def account_originator_id(book_code: str, code: str) -> UUID:
    """Id of the aggregate of one account; a book's code has no slash, so the pair cannot be read two ways."""
    return uuid5(ACCOUNT_NAMESPACE, f"{book_code}/{code}")


def opened_state(code: str, account_type: str, currency: str, role: str, keyed: bool) -> bytes:
    """State of `account.opened`. No timestamp: when it was recorded is the block's to say."""
    return orjson.dumps({"code": code, "type": account_type, "currency": currency, "role": role, "keyed": keyed})


def opened_event(book_code: str, code: str, account_type: str, currency: str, role: str, keyed: bool) -> NewEvent:
    """The event that opens an account: version 1 of its aggregate."""
    return NewEvent(
        type=ACCOUNT_OPENED,
        state=opened_state(code, account_type, currency, role, keyed),
        originator_id=account_originator_id(book_code, code),
        originator_version=1,
    )
