"""What of a payment is only counted: that it awaits cash on delivery, and when attempts to capture it failed."""

from ledger_core.domain import payment_life, payment_rules
from ledger_core.domain.cases import Case, Locked, PartKey
from ledger_core.domain.holds import rfc3339
from ledger_core.domain.parts import Part, PartKind


def delivery_key(case: Case) -> PartKey:
    """The part that counts how often cash on delivery was announced."""
    return (*case.subject_key, PartKind.DELIVERY.value, "")


def attempt_key(case: Case) -> PartKey:
    """The part that counts failed attempts at one moment, which is its id."""
    return (*case.subject_key, PartKind.ATTEMPT.value, rfc3339(case.effective_at_us))


def announce(case: Case, locked: Locked) -> None:
    """An intent to pay in cash."""
    payment_life.accept(case, locked)
    locked.parts.setdefault(delivery_key(case), Part()).amount_minor += 1


def fail(case: Case, locked: Locked) -> None:
    """A failed attempt."""
    payment_life.end(case, locked)
    payment_rules.note_attempt(case.subject_key, case.effective_at_us, locked)
    locked.parts.setdefault(attempt_key(case), Part()).amount_minor += 1
