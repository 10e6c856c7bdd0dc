"""What an adapter makes of a webhook: payment events, or a name for why there is none. Nothing is ever just dropped.

An adapter is a pure function of the webhook and a `Context`. The ids of its events name the fact, not the webhook:
a processor that says one thing twice, in webhooks of two types, says it once to the ledger.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

Json = Mapping[str, object]


class Reason(StrEnum):
    """Why a webhook is kept without an event. Stable: they are shown, stored and counted."""

    TYPE_UNKNOWN = "TYPE_UNKNOWN"
    """No row of the adapter's table has this type."""
    NO_EVENT_TYPE = "NO_EVENT_TYPE"
    """Known, and the ledger has no event for it yet; `ledgerctl webhook replay` once it has."""
    SAID_ELSEWHERE = "SAID_ELSEWHERE"
    """Webhooks of another type say the same with more detail."""
    NOT_FINAL = "NOT_FINAL"
    """Under way: a later webhook says how it ended."""
    NOT_SUCCESSFUL = "NOT_SUCCESSFUL"
    """It came to nothing, so no money moved."""
    NO_MONEY = "NO_MONEY"
    """About something else than money, or about none of it."""
    NO_ACCOUNT = "NO_ACCOUNT"
    """A payout, and the settings do not say from which account of the book."""
    UNDECIDED = "UNDECIDED"
    """Money moved, and it can't be told from this whether another webhook says the same: a person decides."""
    TEST_MODE = "TEST_MODE"
    """The processor says that it is a test, and the settings do not say so of the endpoint: no money moved."""


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """One event for the payments topic. `subject` is its order key, `time` RFC 3339."""

    event_type: str
    event_id: str
    subject: str
    time: str
    data: Json


@dataclass(frozen=True, slots=True)
class Recorded:
    """Kept, without an event; `about` names what it would be about, for people."""

    reason: Reason
    about: str = ""


def later(about: str) -> Recorded:
    """A row of a table: known, and the ledger has no event type for it yet."""
    return Recorded(Reason.NO_EVENT_TYPE, about)


NO_MONEY: Final = Recorded(Reason.NO_MONEY)
TEST_MODE: Final = Recorded(Reason.TEST_MODE)

Mapped = tuple[PaymentEvent, ...] | Recorded
"""What became of a webhook: one event or more, or none with its reason."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an adapter may know beside the webhook."""

    scales: Mapping[str, int]
    """Digits of the ledger's assets, by code."""
    payout_account: str = ""
    """Account that payouts are taken from; `{account}` in it is the processor's id of whose payout it is."""
    captures_at_once: bool = False
    """The processor captures with the authorisation and says so in no webhook of its own."""
    beneficiary_account: str = ""
    """Account that a beneficiary's part goes to; `{account}` in it is the processor's id of the beneficiary. Without
    it nobody is a beneficiary, and a payment stays in its order's suspense."""
    test_mode: bool = False
    """What the processor calls a test is posted, too: the book is one for tests."""


class UnmappableError(Exception):
    """A webhook of a known type lacks something, or says what can't be. The text names the member, never a value."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Adapter(Protocol):
    """One processor's module."""

    def __call__(self, webhook: Json, context: Context) -> Mapped:
        """Raises `UnmappableError`; nothing else, whatever the webhook holds."""
        ...
