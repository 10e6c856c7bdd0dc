"""The account as an aggregate: opened once, then frozen and unfrozen. Postings are no part of it.

The head's status column is what postings decide on; these events are why it says so. Both are written in one
transaction, under the head's lock, so a change of status has its place in the same order as the entries.
"""

from datetime import datetime
from typing import Any, ClassVar, Final, Self

from eventsourcing.domain import Aggregate

from ledger_core.store.account_events import (
    ACCOUNT_FROZEN,
    ACCOUNT_OPENED,
    ACCOUNT_UNFROZEN,
    account_originator_id,
)
from ledger_core.store.mapper import NOT_RECORDED

ACCOUNT: Final = "account"
"""Topic of the aggregate's class."""


class Account(Aggregate):
    """One account's life. Its id is derived from the codes of its book and its own."""

    class Event(Aggregate.Event):
        """An event of an account. Its time is the block's, so none is taken from a clock here."""

        @staticmethod
        def create_timestamp() -> datetime:
            return NOT_RECORDED

    class Opened(Event, Aggregate.Created):
        """The account exists and takes entries. Fields in the order in which they are stored."""

        TOPIC = ACCOUNT_OPENED
        aggregate_topic: ClassVar[str] = ACCOUNT
        code: str
        type: str
        currency: str
        role: str
        keyed: bool

    class Frozen(Event):
        """From here on no entry is taken."""

        TOPIC = ACCOUNT_FROZEN
        code: str
        reason: str

        def apply(self, aggregate: Any) -> None:
            aggregate.frozen_because = self.reason

    class Unfrozen(Event):
        """Entries are taken again."""

        TOPIC = ACCOUNT_UNFROZEN
        code: str
        reason: str

        def apply(self, aggregate: Any) -> None:
            aggregate.frozen_because = None

    def __init__(self, code: str, type: str, currency: str, role: str, keyed: bool) -> None:  # noqa: A002
        self.code = code
        self.type = type
        self.currency = currency
        self.role = role
        self.keyed = keyed
        self.frozen_because: str | None = None

    @classmethod
    def open(
        cls,
        book_code: str,
        code: str,
        *,
        account_type: str,
        currency: str,
        role: str = "",
        keyed: bool = False,
    ) -> Self:
        """A new account, its opening still to be saved."""
        return cls._create(
            cls.Opened,
            id=account_originator_id(book_code, code),
            code=code,
            type=account_type,
            currency=currency,
            role=role,
            keyed=keyed,
        )

    @property
    def frozen(self) -> bool:
        return self.frozen_because is not None

    def freeze(self, reason: str) -> None:
        """Take no more entries. Changes nothing on a frozen account: a repeated command is safe."""
        if not self.frozen:
            self.trigger_event(self.Frozen, code=self.code, reason=reason)

    def unfreeze(self, reason: str) -> None:
        """Take entries again; changes nothing on an account that is not frozen."""
        if self.frozen:
            self.trigger_event(self.Unfrozen, code=self.code, reason=reason)
