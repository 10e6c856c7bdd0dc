"""The events of a batch on their way into the log: what is prepared, what comes of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from ledger_core.domain import subjects
from ledger_core.domain.account_facts import (
    ACCOUNT_CHANGES,
    AccountChange,
    AccountClosed,
    AccountFrozen,
    AccountUnfrozen,
)
from ledger_core.domain.cases import Case, Movement, PartKey, SubjectKey
from ledger_core.domain.holds import HoldTerms
from ledger_core.domain.incoming import Incoming
from ledger_core.domain.life_cycles import LIFE_CYCLES, life_cycle_of
from ledger_core.domain.outcomes import Code, Outcome, Refusal, SkipReason
from ledger_core.domain.parts import Part
from ledger_core.domain.payments import PaymentCaptured, PaymentRefunded, PaymentVoided, PayoutPaid
from ledger_core.domain.periods import Late
from ledger_core.domain.requests import BY_HAND, VoucherGroupRequested, VoucherRequested
from ledger_core.domain.stories import PayoutRequested
from ledger_core.domain.strays import Stray
from ledger_core.domain.subjects import Subject
from ledger_core.domain.vouchers import Draft, Skipped
from ledger_core.rules.payments import payer_of
from ledger_core.store.account_events import (
    ACCOUNT_CLOSED,
    ACCOUNT_FROZEN,
    ACCOUNT_UNFROZEN,
    account_originator_id,
    changed_state,
)
from ledger_core.store.batch import SourceAdvance
from ledger_core.store.books import Book
from ledger_core.store.encoding import cause_of, fact_state, refused_state, rfc3339, skipped_state, voucher_state

if TYPE_CHECKING:
    from ledger_core.store.rows import Layout
    from ledger_core.store.unopened import UnopenedAccounts


FOLLOWER = -2
"""`arrival` of the members of a group behind the first, which has the group's inbox row."""


class Member(NamedTuple):
    """Which member of how many, from 1."""

    place: int
    size: int


ADDED = -3
"""`arrival` of an event without an upstream event: what a batch had to tell besides."""


class OwnEvent(NamedTuple):
    """The type of an event that is none of the outcomes', and the aggregate it belongs to, if any."""

    type: str
    order_key: str = ""
    originator_id: UUID | None = None
    originator_version: int | None = None


@dataclass(slots=True)
class Item(Case):
    """A case that will have an event in its book's log, and an inbox row unless it follows in a group.

    `arrival` is its place among the incoming events, -1 for one healed from a parked queue: then it was parked
    at `position_parked`, or in this very batch, `parked_as` another item. From `outcome` on: what came of it
    (`Case` says what was proposed).
    """

    incoming: Incoming
    book: Book
    source_id: int
    event_id: str
    fingerprint: bytes
    arrival: int
    effective_at: str = ""
    revision: int = 1
    position_parked: int = 0
    parked_as: "Item | None" = None
    outcome: Outcome = Outcome.POSTED
    refused: Refusal | None = None
    entries: Sequence[Movement] = ()
    state: bytes = b""
    member: Member | None = None
    own: OwnEvent | None = None
    skipped: SkipReason | None = None

    @property
    def members(self) -> "Sequence[Item]":
        """Of a group's first item: all of them; else the item alone."""
        return (self, *self.followers)  # type: ignore[arg-type]  # an item's followers are items

    @property
    def at_fault(self) -> "Item":
        """Of what was refused: the member for whose sake, which has the dead letter; else the item itself."""
        return next(item for item in self.members if item.refused is None or item.refused.fault is None)

    @property
    def origin(self) -> tuple[str, str, str]:
        return self.incoming.source, self.incoming.event_id, self.incoming.event_type


def new_item(event: Incoming, book: Book, source_id: int, arrival: int) -> Item:
    """An item of which nothing is proposed yet; of a group the first, with the others as its followers."""
    fact = event.fact
    if isinstance(fact, BY_HAND):
        return _new_request(event, fact, book, source_id, arrival)
    return Item(
        (book.book_id, event.order_key), fact, 0, None, (), event.refusal, event.effective_at_us, 0,
        event, book, source_id, event.event_id, event.fingerprint, arrival,
    )  # fmt: skip


def _new_request(
    event: Incoming, fact: VoucherRequested | VoucherGroupRequested, book: Book, source_id: int, arrival: int
) -> Item:
    vouchers = [fact] if isinstance(fact, VoucherRequested) else fact.vouchers
    members = [
        Item(
            (book.book_id, event.order_key), voucher, 0, None, (), event.refusal,
            event.effective_at_us if voucher.effective_at_us is None else voucher.effective_at_us, 0,
            event, book, source_id, event.event_id, event.fingerprint, FOLLOWER if place else arrival,
        )
        for place, voucher in enumerate(vouchers)
    ]  # fmt: skip
    if isinstance(fact, VoucherGroupRequested):
        for place, item in enumerate(members, start=1):
            item.member = Member(place, len(members))
    members[0].followers = members[1:]
    return members[0]


def refuse_whole(item: Item, refusal: Refusal) -> None:
    """For what the record is, not for what it says: a group so refused is one event, too."""
    item.fact, item.refusal, item.followers, item.member = None, refusal, (), None


def refuse_misfits(items: Sequence[Item]) -> None:
    """What does not fit its envelope is refused for its data, before anything else is asked of it."""
    for item in items:
        misfit = life_cycle_of(item.fact).misfit
        if misfit is not None and (fault := misfit(item)) is not None:
            item.fact, item.refusal, item.movements = None, Refusal(Code.DATA_INVALID, fault), ()


def flat(items: Sequence[Item]) -> list[Item]:
    """Items as they stand in the log: the followers of a group right behind its first member."""
    return [member for item in items for member in (item.members if item.followers else (item,))]


class Replay(NamedTuple):
    """An arrival whose key is decided, with the same fingerprint: in the inbox, or earlier in this very batch."""

    arrival: int
    in_inbox: bool


@dataclass(slots=True, frozen=True)
class ParkedLetter:
    """A parked dead letter read under its subject's lock."""

    book_id: int
    position: int
    order_key: str
    waits_for: str
    event_id: str
    source_id: int
    revision: int
    incoming: Incoming

    @property
    def inbox_key(self) -> tuple[int, int, str]:
        return self.book_id, self.source_id, self.event_id


@dataclass(slots=True)
class Prepared:
    """A batch ready for its transaction. Items stand grouped by book, in order of arrival within each.

    `plain` says that nothing can be refused before heads are read, as far as is known without locks: no order
    key is known to the store and nothing parks. Otherwise the batch goes the exact path. `too_large` says that it
    brings more events than a batch may write: then nothing else of it is prepared.
    """

    incoming: Sequence[Incoming]
    advances: Sequence[SourceAdvance]
    batch_id: int
    items: list[Item]
    replays: list[Replay]
    plain: bool
    new_subjects: dict[SubjectKey, Subject] = field(default_factory=dict)
    new_parts: dict[PartKey, Part] = field(default_factory=dict)
    """Of a plain batch: parts of new order keys."""
    too_large: bool = False
    drain: tuple[SubjectKey, ...] = ()
    lock_every_key: bool = False
    """On the exact path: also events without a life cycle get a subject, for one of them parks."""
    moment: datetime | None = None
    """The database's clock when this batch first asked: holds due by then have expired."""
    hold_terms: dict[SubjectKey, HoldTerms] = field(default_factory=dict)
    """Of holds that turned out to be placed on other terms than by the first placing in this batch."""
    unopened: "UnopenedAccounts | None" = None
    """Accounts that open only once it is decided that something is accepted which names them."""
    layout: "Layout | None" = None
    inbox: list[bytes] = field(default_factory=list)
    subjects: list[bytes] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)


def settle(
    item: Item,
    outcome: Outcome,
    refusal: Refusal | None,
    draft: Draft | None,
    movements: Sequence[Movement],
    late: Late | None = None,
) -> None:
    """Writes an outcome into an item, with the bytes that the log will keep."""
    if late is not None:
        item.effective_at_us = late.redirected_to_us
        item.effective_at, original = rfc3339([late.redirected_to_us, late.effective_at_us])
        if draft is not None:
            link = {"effective_at": original, "period": late.period}
            draft = replace(draft, details={**(draft.details or {}), "late": link})
    item.outcome, item.refused, item.entries = outcome, refusal, ()
    if refusal is not None:
        item.state = refused_state(item.incoming, refusal, item.effective_at, item.revision, item.member)
    elif outcome is Outcome.SKIPPED:
        item.state = skipped_state(item.incoming, _skipped(item, draft), item.effective_at, item.revision)
    elif draft is not None and outcome is Outcome.POSTED:
        item.entries = movements
        item.state = voucher_state(item.incoming, draft, item.effective_at, item.revision, item.member)
    elif draft is not None and isinstance(item.fact, ACCOUNT_CHANGES):
        _settle_change(item, item.fact, draft)
    else:
        details = draft.details if draft is not None else None
        item.state = fact_state(item.incoming, item.effective_at, item.revision, details)


def _skipped(item: Item, draft: Draft | None) -> Skipped:
    """Why it is not for this book."""
    if isinstance(item.fact, Stray):
        draft = Skipped(SkipReason.DECIDED_ELSEWHERE, f"decided in book {item.fact.book}")
    assert isinstance(draft, Skipped)
    item.skipped = draft.reason
    return draft


def _settle_change(item: Item, fact: AccountChange, draft: Draft) -> None:
    """The outcome is an event of the account's own; `draft` says its version."""
    version = (draft.details or {})["version"]
    assert isinstance(version, int)
    cause = cause_of(item.incoming, item.effective_at, item.revision)
    item.state = changed_state(fact, cause)
    originator_id = account_originator_id(item.book.code, fact.account)
    item.own = OwnEvent(CHANGE_EVENTS[type(fact)], fact.account, originator_id, version)


CHANGE_EVENTS: Final[Mapping[type, str]] = MappingProxyType({
    AccountFrozen: ACCOUNT_FROZEN,
    AccountUnfrozen: ACCOUNT_UNFROZEN,
    AccountClosed: ACCOUNT_CLOSED,
})  # fmt: skip


def policies_ask(items: Iterable[Item]) -> bool:
    """True when the chart of a book asks something of these items that only locked rows tell."""
    return any(
        (policy.asks_of_captures and isinstance(item.fact, PaymentCaptured))
        or (policy.refunds_covered and isinstance(item.fact, PaymentRefunded))
        or (chart.requires_profiles and isinstance(item.fact, PayoutRequested | PayoutPaid))
        for item in items
        if (policy := (chart := item.book.chart).payments).asks or chart.marketplace is not None
    )


def _may_be_refused_otherwise(item: Item) -> bool:
    """True where what only the exact path knows of its fact may come before what its rule refuses."""
    life = life_cycle_of(item.fact)
    return not life.by_columns or (life.misfit is not None and life.misfit(item) is not None)


def predict(items: Sequence[Item], parts: dict[PartKey, Part]) -> dict[SubjectKey, Subject] | None:
    """The subjects after this batch if the store knows none of its order keys and refuses nothing; fills `parts`.

    None when that cannot be: something parks, or has its predecessor elsewhere.
    """
    predicted: dict[SubjectKey, Subject] = {}
    refunded: set[SubjectKey] = set()
    for item in items:
        fact = item.fact
        if item.refusal is not None:
            if not item.refusal.final or _may_be_refused_otherwise(item):
                return None
        elif fact is not None and (life := LIFE_CYCLES.get(type(fact))) is not None:
            if not life.by_columns:
                return None
            if not life.has_subject:
                continue
            subject = predicted.get(item.subject_key)
            if subject is None:
                subject = predicted[item.subject_key] = Subject()
            elif subject.captures and isinstance(fact, PaymentVoided):
                return None  # the mirror is made under lock
            if subjects.refuse(fact, subject, item.asset_id) is not None or subjects.overflows(fact, subject):
                return None
            if life.foretell is not None and not life.foretell(item, parts):
                return None
            if isinstance(fact, PaymentRefunded):
                refunded.add(item.subject_key)
            subjects.advance(fact, subject, item.asset_id, item.reference)
    return None if refunded and _paid_otherwise(items, refunded) else predicted


def _paid_otherwise(items: Sequence[Item], keys: set[SubjectKey]) -> bool:
    """True where one of these payments came, or goes back, by another account than the processor's clearing: how much
    came from where is known under lock."""
    return any(
        (isinstance(item.fact, PaymentRefunded) and item.fact.payer is not None)
        or (isinstance(item.fact, PaymentCaptured) and payer_of(item.fact) is not None)
        for item in items
        if item.subject_key in keys
    )
