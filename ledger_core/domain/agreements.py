"""What a step must repeat of the step that it follows: currency, amount and account; and no more of its fee."""

from typing import Final

from ledger_core.domain.cases import Case, Locked
from ledger_core.domain.originals import Original
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.parts import Part
from ledger_core.domain.payments import PaymentRefunded, PayoutPaid
from ledger_core.domain.stories import (
    ChargebackLost,
    ChargebackWon,
    FeeRefunded,
    RefundCompleted,
    SettlementFinalityConfirmed,
)
from ledger_core.domain.vouchers import Purpose

_WHOLE: Final = (RefundCompleted, ChargebackWon, ChargebackLost, PayoutPaid, PaymentRefunded)
"""Steps of the very amount of the one that they follow."""
_OF_ACCOUNT: Final = (PayoutPaid, FeeRefunded)
"""Steps that name the account of the one that they follow."""


def refuse_currency(case: Case, part: Part) -> Refusal | None:
    """Of what is no part of a payment, whose currency is that of its captures."""
    if isinstance(case.fact, _OF_ACCOUNT) and part.asset_id not in (0, case.asset_id):
        return Refusal(Code.CURRENCY_MISMATCH, "not the currency of the step that it follows")
    return None


def refuse(case: Case, part: Part, locked: Locked) -> Refusal | None:
    """In the order of `Code`."""
    return _refuse_amount(case, part) or _refuse_account(case, part, locked) or _refuse_fee(case, part, locked)


def _refuse_amount(case: Case, part: Part) -> Refusal | None:
    fact = case.fact
    if part.told and (
        (isinstance(fact, _WHOLE) and (fact.amount_minor, case.asset_id) != (part.amount_minor, part.asset_id))
        or (isinstance(fact, SettlementFinalityConfirmed) and fact.amount_minor != part.used_minor)
    ):
        return Refusal(Code.AMOUNT_DIFFERS, "not the amount of the step that it follows")
    return None


def _refuse_account(case: Case, part: Part, locked: Locked) -> Refusal | None:
    """What is given back or paid out is that of the account that was charged, or from which it was asked."""
    if not isinstance(case.fact, _OF_ACCOUNT) or case.draft is None or not part.vouchers:
        return None
    before = _first(case, part, locked).movements[0].line.account
    if case.draft.lines[0].account == before:
        return None
    return Refusal(Code.ACCOUNT_DIFFERS, f"not {before}, the account of the step that it follows")


def _refuse_fee(case: Case, part: Part, locked: Locked) -> Refusal | None:
    """No more of a fee goes back than was charged; by a dispute that is won, for that."""
    fact = case.fact
    if isinstance(fact, FeeRefunded) and fact.amount_minor > part.amount_minor - part.used_minor:
        return Refusal(Code.FEE_REFUND_EXCEEDS_CHARGED, "more than what is left of the fee")
    if not isinstance(fact, ChargebackWon) or not fact.fee_minor:
        return None
    movements = _first(case, part, locked).movements if part.vouchers else ()
    lines = [movement.line for movement in movements if movement.line.purpose == Purpose.FEE]
    charged_minor = sum(line.amount_minor for line in lines if line.side == "D")
    if fact.fee_minor <= charged_minor:
        return None
    detail = f"{fact.fee_minor} is more than the fee of {charged_minor} that was charged for the dispute"
    return Refusal(Code.FEE_REFUND_EXCEEDS_CHARGED, detail)


def _first(case: Case, part: Part, locked: Locked) -> Original:
    return locked.vouchers.by_reference[case.subject_key[0], part.vouchers[0]]
