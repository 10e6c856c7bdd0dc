"""What must be known of an order key before its next event may happen: the payment's life cycle."""

from dataclasses import dataclass, field

from ledger_core.domain.facts import Fact
from ledger_core.domain.marketplaces import DIRECT
from ledger_core.domain.money import MAX_COUNTER_MINOR
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.payments import (
    PaymentAuthorizationExpired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentFailed,
    PaymentIntentCreated,
    PaymentRefunded,
    PaymentVoided,
    SplitCaptured,
)

INTENT_CREATED = "payment.intent_created"
AUTHORIZED = "payment.authorized"
CAPTURED = "payment.captured"
"""Names by which a parked event says what it waits for."""

FAILED, EXPIRED, PARTS, EXCHANGED, IN_DIRECT_CUSTODY, SPLIT = 1, 2, 4, 32, 64, 128
"""Marks of a subject: the payment failed for good; its authorisation lapsed; refunds, disputes or settlements have
taken of it what the part `payment` says; it was captured across currencies; its beneficiaries were paid by the
processor itself; it was split, as its parts of kind `leg` say."""


@dataclass(slots=True)
class Subject:
    """The locked row of one order key. Amounts in minor units of `asset_id` (0 while no amount is known)."""

    authorised_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    asset_id: int = 0
    voided: bool = False
    parked: int = 0
    marks: int = 0
    captures: list[int] = field(default_factory=list)
    """Log references (batch_id << 16 | ordinal) of the capture vouchers."""


def refuse(fact: Fact, subject: Subject, asset_id: int) -> Refusal | None:
    """The first reason, in the order of `Code`, why this fact may not happen now; None when it may."""
    if isinstance(fact, PaymentVoided):
        return _refuse_void(subject)
    if subject.asset_id not in (0, asset_id):
        return Refusal(Code.CURRENCY_MISMATCH, "the payment was made in another currency")
    if subject.voided:
        return Refusal(Code.PAYMENT_VOIDED, "the payment was voided before")
    if subject.marks and (refusal := _refuse_marked(subject.marks) or _refuse_custody(fact, subject.marks)):
        return refusal
    if isinstance(fact, PaymentRefunded):
        return _refuse_refund(fact, subject)
    return None


def _refuse_marked(marks: int) -> Refusal | None:
    """No intent, authorisation or capture follows the end of a payment."""
    if marks & FAILED:
        return Refusal(Code.PAYMENT_FAILED, "the payment failed before")
    if marks & EXPIRED:
        return Refusal(Code.AUTHORIZATION_EXPIRED, "the authorisation expired before")
    return None


def _refuse_custody(fact: Fact, marks: int) -> Refusal | None:
    """What went straight to its beneficiaries never comes by way of the platform, nor of a wallet that it keeps."""
    if not marks & IN_DIRECT_CUSTODY:
        return None
    if isinstance(fact, PaymentCaptured) and not (isinstance(fact, SplitCaptured) and fact.custody == DIRECT):
        return Refusal(Code.CUSTODY_DIFFERS, "another part of the payment was captured in direct custody")
    if isinstance(fact, PaymentRefunded) and fact.payer is not None:
        return Refusal(Code.CUSTODY_DIFFERS, "payer: nothing of the payment is in a wallet")
    return None


def _refuse_void(subject: Subject) -> Refusal | None:
    if subject.voided:
        return Refusal(Code.ALREADY_VOIDED, "the payment was voided before")
    if subject.marks & FAILED:
        return Refusal(Code.PAYMENT_FAILED, "the payment failed before")
    if not subject.asset_id:  # what was captured may have been taken back since: then there is nothing to mirror
        return Refusal(Code.PREDECESSOR_ABSENT, "nothing to void", f"{INTENT_CREATED}|{AUTHORIZED}|{CAPTURED}")
    if subject.refunded_minor:
        return Refusal(Code.VOID_AFTER_REFUND, "the payment was refunded before: refund the rest instead")
    return None


def _refuse_refund(fact: PaymentRefunded, subject: Subject) -> Refusal | None:
    if not subject.captured_minor:
        return Refusal(Code.PREDECESSOR_ABSENT, "nothing captured to refund", CAPTURED)
    left_minor = subject.captured_minor - subject.refunded_minor
    if fact.amount_minor > left_minor:
        return Refusal(Code.REFUND_EXCEEDS_CAPTURED, f"{fact.amount_minor} is more than the {left_minor} that is left")
    return None


def refuse_end(fact: Fact, subject: Subject) -> Refusal | None:
    """Why an attempt, the payment or its authorisation may not end so; a failed attempt changes nothing."""
    if isinstance(fact, PaymentCaptureFailed):
        return None
    if subject.voided:
        return Refusal(Code.PAYMENT_VOIDED, "the payment was voided before")
    if subject.marks and (refusal := _refuse_marked(subject.marks)):
        return refusal
    if isinstance(fact, PaymentFailed) and subject.captured_minor:
        return Refusal(Code.PAYMENT_CAPTURED, "the payment was captured before")
    if isinstance(fact, PaymentAuthorizationExpired) and not (subject.authorised_minor or subject.captured_minor):
        return Refusal(Code.PREDECESSOR_ABSENT, "nothing authorised that could expire", f"{AUTHORIZED}|{CAPTURED}")
    return None


def end(fact: Fact, subject: Subject) -> None:
    """Writes an accepted end into its subject."""
    if isinstance(fact, PaymentFailed):
        subject.marks |= FAILED
    elif isinstance(fact, PaymentAuthorizationExpired):
        subject.marks |= EXPIRED


def overflows(fact: Fact, subject: Subject) -> bool:
    """True when the sums that a subject keeps could not hold this fact: no account's counter limits them."""
    if isinstance(fact, PaymentCaptured):
        return subject.captured_minor + fact.amount_minor > MAX_COUNTER_MINOR
    return isinstance(fact, PaymentAuthorized) and subject.authorised_minor + fact.amount_minor > MAX_COUNTER_MINOR


def advance(fact: Fact, subject: Subject, asset_id: int, reference: int) -> None:
    """Writes an accepted fact into its subject; `reference` says where its event stands in the log."""
    if isinstance(fact, PaymentCaptured):
        subject.captured_minor += fact.amount_minor
        subject.captures.append(reference)
        subject.asset_id = asset_id
    elif isinstance(fact, PaymentAuthorized):
        subject.authorised_minor += fact.amount_minor
        subject.asset_id = asset_id
    elif isinstance(fact, PaymentRefunded):
        subject.refunded_minor += fact.amount_minor
    elif isinstance(fact, PaymentVoided):
        subject.voided = True
    elif isinstance(fact, PaymentIntentCreated):
        subject.asset_id = asset_id
