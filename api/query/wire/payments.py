"""Payments on the wire, with all that became of them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from api.query.wire.base import Amount, Balance, NextCursor, Position, Wire
from api.query.wire.event_details import EventDetails, details_on_wire
from api.query.wire.vouchers import Cause, VoucherLink
from projections.queries import (
    beneficiaries,
    parts,
    payment_exchanges,
    payment_proofs,
    payment_splits,
    payment_stories,
    payments,
    retrying,
    timelines,
)

Progress = Literal["PENDING", "CONFIRMED", "FAILED"]
FIRST: str = "When its first event happened"


class Payment(Wire):
    order_key: str
    state: str = Field(
        description="INITIATED, AUTHORIZED, PENDING_CASH, CAPTURED, VOIDED, FAILED or REFUNDED (CAPTURED until fully "
        "refunded)"
    )
    execution: Progress = Field(description="Of its settlements: executed is not final")
    finality: Progress = Field(description="Of what was executed: of the whole payment, never of one of its legs")
    method: str = Field(description="How it was paid, in the words of the publishing service")
    authorised: Amount
    captured: Amount = Field(description="Less what was taken back by request")
    refunded: Amount
    voided: Amount
    reversed: Amount = Field(description="Captures taken back by request: no longer in the other sums")
    disputed: Amount = Field(description="Disputes that are open or lost")
    commission: Balance = Field(description="What the platform keeps of it: credit")
    fees: Balance = Field(description="What processors charge for its settlements and disputes: debit")
    net: Balance = Field(
        description="What is left: captured less voided, refunded, disputed, commission and fees; a debit is what it "
        "cost more"
    )
    captures: int
    refunds: int
    first_effective_at: datetime = Field(description=FIRST)
    last_effective_at: datetime
    last_position: Position

    @classmethod
    def of(cls, payment: payments.Payment) -> Self:
        balances = {name: Balance.at(getattr(payment, name)) for name in ("commission", "fees", "net")}
        amounts = {
            name: Amount.of(getattr(payment, name))
            for name in ("authorised", "captured", "refunded", "voided", "reversed", "disputed")
        }
        plain = {
            name: getattr(payment, name)
            for name in (
                "order_key", "state", "execution", "finality", "method", "captures", "refunds", "first_effective_at",
                "last_effective_at", "last_position",
            )
        }  # fmt: skip
        return cls.model_validate({**plain, **amounts, **balances})


class PaymentPage(Wire):
    book: str
    position: Position = Field(description="How far the projection of payments has come")
    payments: list[Payment]
    next_cursor: NextCursor


class Part(Wire):
    """A refund, chargeback, settlement, payout or fee."""

    kind: str
    order_key: str = Field(description="Of its payment; of a payout or fee its own")
    id: str
    state: str
    reversed: bool = Field(description="Its voucher was taken back by request: its state is TAKEN_BACK")
    amount: Amount
    fee: Balance = Field(description="What a processor charged for it: debit")
    refunded: Amount = Field(description="What of a fee was given back")
    account: str = Field(description="Whose money a payout or fee takes; empty elsewhere")
    reference: str = Field(description="What a fee is for; empty elsewhere")
    failure_reason: str = Field(description="In the words of the publishing service; empty where it did not fail")
    first_effective_at: datetime = Field(description="When its first step happened")
    last_effective_at: datetime
    last_position: Position

    @classmethod
    def of(cls, part: parts.PartRow) -> Self:
        return cls(
            kind=part.kind, order_key=part.order_key, id=part.part_id, state=part.state, reversed=part.reversed,
            amount=Amount.of(part.amount), fee=Balance.at(part.fee), refunded=Amount.of(part.refunded),
            account=part.account, reference=part.reference, failure_reason=part.failure_reason,
            first_effective_at=part.first_effective_at, last_effective_at=part.last_effective_at,
            last_position=part.last_position,
        )  # fmt: skip


class PartPage(Wire):
    book: str
    position: Position = Field(description="How far the projection has come")
    items: list[Part]
    next_cursor: NextCursor


class TimelineEvent(Wire):
    position: Position
    recorded_at: datetime
    effective_at: datetime | None
    event_type: str = Field(description="Of the upstream event; of the ledger's own where there is none")
    outcome: str = Field(description="POSTED, RECORDED, REJECTED, PARKED or SKIPPED; empty for the ledger's own")
    kind: str
    voucher_no: int | None
    amount: Amount | None
    about: dict[str, str] = Field(
        description="The refund, settlement … that it is a step of, by the name of its id; and the payment, where the "
        "publisher's id of that is not the order key"
    )
    failure_reason: str
    code: str = Field(description="Why it was refused; empty where it was not")
    detail: str
    waits_for: str = Field(description="What a parked event waits for")
    parked_at: int | None = Field(description="Where it had been parked before")
    reverses: list[VoucherLink] = Field(description="Vouchers that it takes back")
    compensates: list[VoucherLink] = Field(description="Vouchers that it makes good; one at most")
    details: EventDetails = Field(description="What else it says, by the names of its publisher: only what it has")
    cause: Cause | None = Field(description="The record that it came by; null for the ledger's own")

    @classmethod
    def all_of(cls, events: Sequence[timelines.TimelineEvent]) -> list[Self]:
        return [cls._of(event) for event in events]

    @classmethod
    def _of(cls, event: timelines.TimelineEvent) -> Self:
        plain = {
            name: getattr(event, name)
            for name in (
                "position", "recorded_at", "effective_at", "event_type", "outcome", "kind", "voucher_no", "about",
                "failure_reason", "code", "detail", "waits_for", "parked_at",
            )
        }  # fmt: skip
        return cls.model_validate(
            {
                **plain,
                "amount": Amount.of(event.amount) if event.amount else None,
                "reverses": VoucherLink.all_of(event.reverses),
                "compensates": VoucherLink.all_of(event.compensates),
                "details": details_on_wire(event.details),
                "cause": Cause.of(event.cause) if event.cause else None,
            }
        )


class TimelineAnswer(Wire):
    book: str
    position: Position = Field(description="How far the projection has come")
    order_key: str
    family: str = Field(description="What the order key belongs to: payment, payout, fee …")
    events_in_all: int = Field(description="More than are listed where an order key has more than 1,000")
    events: list[TimelineEvent]

    @classmethod
    def of(cls, book: str, position: int, found: timelines.Timeline) -> Self:
        return cls(
            book=book, position=position, order_key=found.order_key, family=found.family,
            events_in_all=found.events_in_all, events=TimelineEvent.all_of(found.events),
        )  # fmt: skip


class Advice(Wire):
    """Whether one thing may be tried again, always with the id that it had."""

    what: str = Field(description="`capture`, or `refund` and its id")
    state: str
    answer: str = Field(description="retry, retry_once, wait, done or investigate")
    detail: str
    since: datetime | None = Field(description="When its last step took effect, where that is known")
    tries: int = Field(description="How often it was tried since: failed attempts, or refused steps of a refund")


class RetrySafety(Wire):
    position: Position = Field(description="Exact at this position of the book, however far the projection has come")
    as_of: datetime = Field(description="The moment of the question: how long things have stood so is told by it")
    answers: list[Advice]
    note: str

    @classmethod
    def of(cls, safety: retrying.RetrySafety) -> Self:
        return cls.model_validate(safety, from_attributes=True)


class PaymentExchange(Wire):
    credited: Amount = Field(description="What its beneficiaries and the platform were credited with")
    credited_back: Amount = Field(description="What of that went back by refunds, and disputes that are open or lost")

    @classmethod
    def of(cls, found: payment_exchanges.PaymentExchange) -> Self:
        return cls(credited=Amount.of(found.credited), credited_back=Amount.of(found.credited_back))


class PaymentProof(Wire):
    """Of a capture that stands, as it was told; what nobody said is empty."""

    position: Position
    amount: Amount
    order_status: str = Field(description="SHIPPED where it was prepaid, DELIVERED where it was paid in cash")
    gateway_transaction_id: str = Field(description="The processor's, where it was prepaid")
    gateway_response: str
    confirmed_by: str = Field(description="Of cash on delivery")
    confirmed_at: str

    @classmethod
    def of(cls, proof: payment_proofs.PaymentProof) -> Self:
        return cls.model_validate({**asdict(proof), "amount": Amount.of(proof.amount)})


class PaymentLeg(Wire):
    """What a beneficiary got of a split payment. It has no state: execution and finality are the payment's."""

    beneficiary: str
    amount: Amount = Field(description="Its part of what was captured and stands, commission included")
    commission: Amount = Field(description="The platform's on it")
    net: Amount
    back: Amount = Field(description="What of its part went back by refunds, and disputes that are open or lost")
    commission_back: Amount = Field(description="The commission on that: given back, unless the refund keeps it")


class PaymentSplit(Wire):
    custody: Literal["escrow", "direct"] = Field(
        description="escrow where the platform holds the shares, direct where the processor pays the beneficiaries"
    )
    legs: list[PaymentLeg]

    @classmethod
    def of(cls, split: payment_splits.PaymentSplit) -> Self:
        def leg(one: payment_splits.PaymentLeg) -> PaymentLeg:
            sums = {name: Amount.of(getattr(one, name)) for name in ("amount", "commission", "net", "back")}
            return PaymentLeg(beneficiary=one.beneficiary, **sums, commission_back=Amount.of(one.commission_back))

        return cls.model_validate({"custody": split.custody, "legs": [leg(one) for one in split.legs]})


class PaymentAnswer(Payment):
    book: str
    position: Position = Field(description="How far the projection of payments has come")
    parts: list[Part] = Field(description="Its refunds, chargebacks and settlements")
    events_in_all: int
    timeline: list[TimelineEvent]
    retry_safety: RetrySafety
    order_status: str | None = Field(
        description="SHIPPED or DELIVERED, as the last capture with a proof says that stands"
    )
    proofs: list[PaymentProof] = Field(description="Of its captures that came with one and stand")
    split: PaymentSplit | None = Field(
        description="Of a split payment of which a capture stands. Exact now, however far the projection has come"
    )
    exchange: PaymentExchange | None = Field(
        description="Of a payment across currencies, in that of its beneficiaries; the commission is part of it, and "
        "of no other sum. Exact now, however far the projection has come"
    )

    @classmethod
    def story_of(cls, book: str, position: int, story: payment_stories.PaymentStory) -> Self:
        return cls(
            book=book, position=position, parts=[Part.of(part) for part in story.parts],
            events_in_all=story.timeline.events_in_all, timeline=TimelineEvent.all_of(story.timeline.events),
            retry_safety=RetrySafety.of(story.retry_safety),
            order_status=payment_proofs.order_status_of(story.proofs) or None,
            proofs=[PaymentProof.of(proof) for proof in story.proofs],
            split=PaymentSplit.of(story.split) if story.split else None,
            exchange=PaymentExchange.of(story.exchange) if story.exchange else None, **dict(Payment.of(story.payment)),
        )  # fmt: skip


class PartAnswer(Part):
    book: str
    position: Position = Field(description="How far the projection has come")
    timeline: list[TimelineEvent]

    @classmethod
    def story_of(cls, book: str, position: int, story: payment_stories.PartStory) -> Self:
        return cls(
            book=book, position=position, timeline=TimelineEvent.all_of(story.events), **dict(Part.of(story.part))
        )


class Beneficiary(Wire):
    account: str
    earned: Balance = Field(description="Shares of payments less commission: credit")
    commission: Balance = Field(description="What the platform kept of its shares: debit")
    refunded: Balance = Field(description="What refunds took back: debit")
    disputed: Balance = Field(description="What disputes that are open or lost took: debit")
    fees: Balance = Field(description="Fees charged, less those given back: debit")
    paid_out: Balance = Field(description="Paid out, or on its way: debit")
    available: Balance = Field(description="What the account has now, less holds: exact, whatever the position")
    vouchers: int
    first_effective_at: datetime
    last_effective_at: datetime
    last_position: Position

    @classmethod
    def of(cls, found: beneficiaries.Beneficiary) -> Self:
        names = ("earned", "commission", "refunded", "disputed", "fees", "paid_out", "available")
        return cls.model_validate({
            "account": found.account, **{name: Balance.at(getattr(found, name)) for name in names},
            "vouchers": found.vouchers, "first_effective_at": found.first_effective_at,
            "last_effective_at": found.last_effective_at, "last_position": found.last_position,
        })  # fmt: skip


class BeneficiaryAnswer(Beneficiary):
    book: str
    position: Position = Field(description="How far the projection has come")


class BeneficiaryPage(Wire):
    book: str
    position: Position = Field(description="How far the projection has come")
    beneficiaries: list[Beneficiary]
    next_cursor: NextCursor
