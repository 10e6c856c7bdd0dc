"""One closing of a period as an aggregate: begun, sealed, and perhaps reopened. A later closing is another one.

The book's `closed_through` is what postings decide on; these events are why it says so.
"""

from datetime import date, datetime
from typing import Any, ClassVar, Final, Self
from uuid import UUID, uuid5

from eventsourcing.domain import Aggregate

from ledger_core.store.mapper import NOT_RECORDED

CLOSING: Final = "closing"
"""Topic of the aggregate's class."""

PERIOD_CLOSING: Final = "period.closing"
PERIOD_CLOSED: Final = "period.closed"
PERIOD_REOPENED: Final = "period.reopened"

CLOSING_NAMESPACE: Final = UUID("f1f5a0d7-51b5-5c5e-9d0e-2d8a5f1e6b33")
"""Fixed for good: ids of closings are derived in it."""


def closing_id(book_code: str, through: date, number: int) -> UUID:
    """Id of the aggregate of the n-th closing of a book's period."""
    return uuid5(CLOSING_NAMESPACE, f"{book_code}/{through.isoformat()}/{number}")


class Closing(Aggregate):
    """From here on nothing takes effect in the period, until it is reopened."""

    class Event(Aggregate.Event):
        """An event of a closing. Its time is the block's, so none is taken from a clock here."""

        @staticmethod
        def create_timestamp() -> datetime:
            return NOT_RECORDED

    class Begun(Event, Aggregate.Created):
        """The period is shut. Days in ISO 8601; `after` is the last day of the period before, null for none."""

        TOPIC = PERIOD_CLOSING
        aggregate_topic: ClassVar[str] = CLOSING
        through: str
        after: str | None
        closing: int
        reason: str
        requested_by: str

    class Sealed(Event):
        """The closing trial balance of what was recorded up to a position, by its hash; in the chain of blocks."""

        TOPIC = PERIOD_CLOSED
        through: str
        reason: str
        requested_by: str
        known_at_position: int
        accounts: int
        totals: list[list[str]]
        trial_balance: str

        def apply(self, aggregate: Any) -> None:
            aggregate.trial_balance = self.trial_balance

    class Reopened(Event):
        """Entries are taken again after the day `after`, or whatever their day where it is null."""

        TOPIC = PERIOD_REOPENED
        through: str
        after: str | None
        reason: str
        requested_by: str
        approved_by: str

        def apply(self, aggregate: Any) -> None:
            aggregate.reopened = True

    def __init__(self, through: str, after: str | None, closing: int, reason: str, requested_by: str) -> None:
        self.through = through
        self.after = after
        self.closing = closing
        self.reason = reason
        self.requested_by = requested_by
        self.trial_balance: str | None = None
        self.reopened = False

    @classmethod
    def begin(
        cls, book_code: str, through: date, after: date | None, *, closing: int, reason: str, requested_by: str
    ) -> Self:
        """A closing that begins, still to be saved."""
        return cls._create(
            cls.Begun,
            id=closing_id(book_code, through, closing),
            through=through.isoformat(),
            after=after.isoformat() if after else None,
            closing=closing,
            reason=reason,
            requested_by=requested_by,
        )

    def seal(self, *, known_at_position: int, accounts: int, totals: list[list[str]], trial_balance: str) -> None:
        """Seal it with its trial balance; a sealed one is left as it is."""
        if self.trial_balance is None:
            self.trigger_event(
                self.Sealed,
                through=self.through,
                reason=self.reason,
                requested_by=self.requested_by,
                known_at_position=known_at_position,
                accounts=accounts,
                totals=totals,
                trial_balance=trial_balance,
            )

    def reopen(self, *, reason: str, requested_by: str, approved_by: str) -> None:
        """Take entries again."""
        self.trigger_event(
            self.Reopened,
            through=self.through,
            after=self.after,
            reason=reason,
            requested_by=requested_by,
            approved_by=approved_by,
        )
