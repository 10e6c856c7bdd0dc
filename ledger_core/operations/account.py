"""The account as an aggregate: opened, limited, frozen and unfrozen, closed for good. Postings are no part of it.

The head's columns are what postings decide on; these events are why they say so. Both are written in one
transaction, under the head's lock, so a change of status has its place in the same order as the entries.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from eventsourcing.domain import Aggregate

from ledger_core.domain.limits import Limits
from ledger_core.store.account_events import (
    ACCOUNT_CLOSED,
    ACCOUNT_FROZEN,
    ACCOUNT_LIMITS_SET,
    ACCOUNT_OPENED,
    ACCOUNT_UNFROZEN,
    account_originator_id,
    limits_document,
    limits_from_document,
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
        """The account exists and takes entries.

        Fields in the order in which they are stored; those that are None are not. The last three, here and below,
        say which upstream event it was.
        """

        TOPIC = ACCOUNT_OPENED
        aggregate_topic: ClassVar[str] = ACCOUNT
        code: str
        type: str
        currency: str
        role: str
        keyed: bool
        parent: str | None = None
        limits: Mapping[str, str] | None = None
        requested_by: str | None = None
        source: str | None = None
        event_id: str | None = None
        cause: Sequence[str | int] | None = None

    class LimitsSet(Event):
        """Its balance is kept within these from here on."""

        TOPIC = ACCOUNT_LIMITS_SET
        code: str
        reason: str
        limits: Mapping[str, str]
        requested_by: str | None = None
        source: str | None = None
        event_id: str | None = None
        cause: Sequence[str | int] | None = None

        def apply(self, aggregate: Any) -> None:
            aggregate.limits = limits_from_document(self.limits)

    class Frozen(Event):
        """From here on no entry is taken."""

        TOPIC = ACCOUNT_FROZEN
        code: str
        reason: str
        requested_by: str | None = None
        source: str | None = None
        event_id: str | None = None
        cause: Sequence[str | int] | None = None

        def apply(self, aggregate: Any) -> None:
            aggregate.frozen_because = self.reason

    class Unfrozen(Event):
        """Entries are taken again."""

        TOPIC = ACCOUNT_UNFROZEN
        code: str
        reason: str
        requested_by: str | None = None
        source: str | None = None
        event_id: str | None = None
        cause: Sequence[str | int] | None = None

        def apply(self, aggregate: Any) -> None:
            aggregate.frozen_because = None

    class Closed(Event):
        """Nothing is taken any more, for ever."""

        TOPIC = ACCOUNT_CLOSED
        code: str
        reason: str
        requested_by: str | None = None
        source: str | None = None
        event_id: str | None = None
        cause: Sequence[str | int] | None = None

        def apply(self, aggregate: Any) -> None:
            aggregate.closed_because = self.reason

    def __init__(
        self, code: str, type: str, currency: str, role: str, keyed: bool,  # noqa: A002 - as it is stored
        parent: str | None = None, limits: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.code = code
        self.type = type
        self.currency = currency
        self.role = role
        self.keyed = keyed
        self.parent = parent or ""
        self.limits = limits_from_document(limits) if limits else Limits()
        self.frozen_because: str | None = None
        self.closed_because: str | None = None

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
        parent: str = "",
        limits: Limits | None = None,
        requested_by: str = "",
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
            parent=parent or None,
            limits=limits_document(limits) if limits is not None else None,
            requested_by=requested_by or None,
        )

    @property
    def frozen(self) -> bool:
        return self.frozen_because is not None

    def freeze(self, reason: str, requested_by: str = "") -> None:
        """Take no more entries. Changes nothing on a frozen account: a repeated command is safe."""
        if not self.frozen:
            self.trigger_event(self.Frozen, code=self.code, reason=reason, requested_by=requested_by or None)

    def unfreeze(self, reason: str, requested_by: str = "") -> None:
        """Take entries again; changes nothing on an account that is not frozen."""
        if self.frozen:
            self.trigger_event(self.Unfrozen, code=self.code, reason=reason, requested_by=requested_by or None)

    def set_limits(self, limits: Limits, reason: str, requested_by: str = "") -> None:
        """Keep the balance within these; changes nothing where they are in force."""
        if limits != self.limits:
            self.trigger_event(
                self.LimitsSet, code=self.code, reason=reason, limits=limits_document(limits),
                requested_by=requested_by or None,
            )  # fmt: skip

    def close(self, reason: str, requested_by: str = "") -> None:
        """Take nothing for ever; changes nothing on a closed account. Its balance is the caller's to have checked."""
        if self.closed_because is None:
            self.trigger_event(self.Closed, code=self.code, reason=reason, requested_by=requested_by or None)
