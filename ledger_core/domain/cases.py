"""What is decided, what is known under lock while it is, and what comes of it."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger_core.domain.account_facts import AccountStand, Closing
from ledger_core.domain.cash_policy import CashPolicy
from ledger_core.domain.exchanges import Exchanged
from ledger_core.domain.facts import Fact
from ledger_core.domain.holds import Hold, HoldTerms
from ledger_core.domain.limits import Limits
from ledger_core.domain.notices import Notice, NoticeKey
from ledger_core.domain.originals import Vouchers
from ledger_core.domain.outcomes import Outcome, Refusal
from ledger_core.domain.parts import Part
from ledger_core.domain.payment_policy import PaymentPolicy
from ledger_core.domain.periods import Late
from ledger_core.domain.subjects import Subject
from ledger_core.domain.transfer_policy import TransferPolicy
from ledger_core.domain.transfers import TransferStand
from ledger_core.domain.vouchers import Draft, Line, Side

HeadKey = int
"""book_id << 32 | account_id: one integer per account, sorted like the key of the heads."""
SubjectKey = tuple[int, str]
"""book_id and order key."""
PartKey = tuple[int, str, str, str]
"""book_id, order key, kind and id of a refund, chargeback, settlement, payout or fee."""

OPEN, FROZEN, CLOSED = "O", "F", "C"


@dataclass(slots=True)
class Head:
    """What a locked account head says. Counters in minor units of `asset_id`."""

    posting_sequence: int
    debits_minor: int
    credits_minor: int
    asset_id: int
    status: str = OPEN
    debits_pending_minor: int = 0
    credits_pending_minor: int = 0
    """What open holds keep back, by the side that their captures will post: read where something decides on it."""
    limits: Limits | None = None
    """Set where the account has limits that warn or deny."""
    normal_side: Side = "D"
    """Set with the limits."""

    def pending_minor(self, side: Side) -> int:
        return self.debits_pending_minor if side == "D" else self.credits_pending_minor

    def hold_back(self, side: Side, amount_minor: int) -> None:
        """Keeps this much more back; a negative amount is given back."""
        if side == "D":
            self.debits_pending_minor += amount_minor
        else:
            self.credits_pending_minor += amount_minor


class Movement(NamedTuple):
    """A line whose account was found. `asset_id` is the line's own; entries of `keyed` accounts have the order key."""

    head: HeadKey
    asset_id: int
    keyed: bool
    line: Line


class HeldBack(NamedTuple):
    """How much more of an account is held back once a case is accepted, on the side of its terms; less, below zero."""

    head: HeadKey
    terms: HoldTerms
    change_minor: int


class Proposal(NamedTuple):
    """What a case would post; nothing where there are no movements. What it gives back is available to them.

    `ends` is the account that it empties for good: no limit outlives it.
    """

    draft: Draft | None
    movements: Sequence[Movement]
    held: Sequence[HeldBack] = ()
    ends: HeadKey | None = None


@dataclass(slots=True)
class Case:
    """One event to be decided. `movements` is empty where nothing is posted.

    `reference` is where its event will stand if it is decided in this batch (batch_id << 16 | ordinal).
    """

    subject_key: SubjectKey
    fact: Fact | None
    asset_id: int
    draft: Draft | None
    movements: Sequence[Movement]
    refusal: Refusal | None
    effective_at_us: int
    reference: int
    waits_for: str = field(default="", kw_only=True)
    """Of a case taken from a parked queue: what it was waiting for."""
    followers: Sequence["Case"] = field(default=(), kw_only=True)
    """Of a group's first case: its other members, which stand right behind it in the log."""

    @property
    def origin(self) -> tuple[str, str, str]:
        """Source, id and type of the upstream event, by which others refer to what it posts."""
        return "", "", ""


@dataclass(slots=True)
class Ruling:
    """What became of one case. `draft` and `movements` are what is posted, a void's mirror included."""

    case: Case
    outcome: Outcome
    refusal: Refusal | None = None
    draft: Draft | None = None
    movements: Sequence[Movement] = ()
    late: Late | None = None
    """Set where the voucher was moved out of a closed period."""
    followers: Sequence["Ruling"] = ()
    """Of a group's first case: the rulings of its followers."""


class Crossing(NamedTuple):
    """An account came to stand beyond a limit that warns. `reference` is where the cause stands in the log."""

    head: HeadKey
    account: str
    currency: str
    below: bool
    balance_minor: int
    limit_minor: int
    reference: int


@dataclass(slots=True)
class Locked:
    """Everything that was read under lock. `queues` are the parked cases of an order key, oldest first;
    `vouchers` are those that events refer to, for the mirror of a void."""

    heads: Mapping[HeadKey, Head]
    subjects: dict[SubjectKey, Subject]
    queues: dict[SubjectKey, deque[Case]] = field(default_factory=dict)
    vouchers: Vouchers = field(default_factory=Vouchers)
    closed_through_us: Mapping[int, int] = field(default_factory=dict)
    redirecting: frozenset[int] = frozenset()
    requiring_profiles: frozenset[int] = frozenset()
    """Books that pay out nobody without a verified settlement profile."""
    """Books whose late vouchers go to the first open moment instead of waiting."""
    holds: dict[SubjectKey, Hold] = field(default_factory=dict)
    """By order key, which is the hold's id."""
    parts: dict[PartKey, Part] = field(default_factory=dict)
    """Those that this batch is about; one that is not here is new."""
    first_told: dict[PartKey, str] = field(default_factory=dict)
    """Of what happens once and was told: the id of the event that told it first."""
    exchanges: dict[SubjectKey, Exchanged] = field(default_factory=dict)
    """Payments across currencies; one that is not here was captured in its own, or not yet."""
    notices: dict[NoticeKey, Notice] = field(default_factory=dict)
    """Those that this batch is about, or decides on."""
    told: list[tuple[NoticeKey, Notice]] = field(default_factory=list)
    """New ones, in the order of the log."""
    next_reference: dict[int, int] = field(default_factory=dict)
    """Per book: where the next healed event will stand, after all arrivals."""
    crossings: list[Crossing] = field(default_factory=list)
    """Limits that warn and were crossed, in the order of what crossed them."""
    accounts: dict[HeadKey, AccountStand] = field(default_factory=dict)
    """Those that events of the batch are about."""
    closings: list[Closing] = field(default_factory=list)
    """Accounts that a voucher of the batch emptied for good."""
    policies: Mapping[int, PaymentPolicy] = field(default_factory=dict)
    """Per book that asks something of payments."""
    attempts: dict[SubjectKey, list[int]] = field(default_factory=dict)
    """When attempts to capture failed, where that matters."""
    legs: dict[SubjectKey, set[PartKey]] = field(default_factory=dict)
    """Which parts say how a payment was split, and what of that went where."""
    propose: Callable[[Case, Fact], Proposal | Refusal] | None = None
    """What the rule of this case's book says of another fact, with the accounts that it names and that were found:
    set where what is locked can change what is posted."""
    floors: dict[HeadKey, int | None] = field(default_factory=dict)
    """How far down refunds may draw on an account, where that is asked; None for an account without a floor."""
    of_orders: dict[tuple[HeadKey, str], int] = field(default_factory=dict)
    """Credits less debits of one order key of an account that is kept per order key, where refunds may draw on it and
    that is asked."""
    transfer_policies: Mapping[int, TransferPolicy] = field(default_factory=dict)
    """Per book with transfers in this batch."""
    transfers: dict[SubjectKey, TransferStand] = field(default_factory=dict)
    """What their parts add up to."""
    cash_policies: Mapping[int, CashPolicy] = field(default_factory=dict)
    """Per book that has drawers, where something of this batch is taken back by request."""


@dataclass(slots=True)
class Decision:
    """Rulings of the arrivals in their order, then of the parked cases that this batch healed.

    `healed` cases leave their queues; a healed case has an outcome other than PARKED. `waiting` cases stay,
    and wait for something else than before. `postponed` are arrivals behind a queue that this batch is about to
    drain, by identity of their case: cut off into a batch of their own they would be decided after the drain, so
    what they wait for is what the drain says of them first.
    """

    arrivals: list[Ruling]
    healed: list[Ruling]
    waiting: list[Case]
    postponed: dict[int, Ruling] = field(default_factory=dict)
