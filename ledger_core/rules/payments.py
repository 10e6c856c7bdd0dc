"""Captures of payments: who gets which part of the money. `refunds` gives it back by the same shares.

| | capture | capture on delivery |
|---|---|---|
| clearing of the processor, or the payer's wallet | debit the amount | |
| cash on delivery | | debit the amount |
| each beneficiary | credit its part less commission | the same |
| platform fees, in one line | credit the commissions | the same |
| suspense of the order: amount less all parts | credit it, or debit what is missing | the same |

Commission is rounded down in minor units: the beneficiary gets the remainder.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ledger_core.domain import custody
from ledger_core.domain.charts import CONTROL_PREFIX, Chart, Role
from ledger_core.domain.money import MAX_AMOUNT_MINOR, part_minor
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.payments import (
    CASH_ON_DELIVERY,
    Beneficiary,
    ExactShare,
    PaymentCaptured,
    ProvenCaptured,
    commission_of,
)
from ledger_core.domain.vouchers import Draft, Line, Purpose, Side
from ledger_core.rules.accounts import control_missing, same_account_on_both_sides

# Plain values: hashing and comparing members of an enum costs more than the rest of a rule.
_CLEARING: Final = Role.PROCESSOR_CLEARING.value
_FEES: Final = Role.PLATFORM_FEES.value
_SUSPENSE: Final = Role.ORDER_SUSPENSE.value
_ON_DELIVERY: Final = CONTROL_PREFIX + Role.CASH_ON_DELIVERY.value
_PAYMENT_PURPOSE: Final = Purpose.PAYMENT.value
_SHARE_PURPOSE: Final = Purpose.SELLER_SHARE.value
_FEE_PURPOSE: Final = Purpose.PLATFORM_FEE.value
_SUSPENSE_PURPOSE: Final = Purpose.SUSPENSE.value
_PURPOSES: Final = {
    CONTROL_PREFIX + Role.UNALLOCATED_SALES.value: Purpose.UNALLOCATED.value, CONTROL_PREFIX + _FEES: _FEE_PURPOSE,
}  # fmt: skip
"""Why a part goes to a control account; the rest go to sellers."""
WHOLE_BPS: Final = 10_000
SHIPPED: Final = "SHIPPED"
DELIVERED: Final = "DELIVERED"
"""What a capture says of its order: what is prepaid goes out, what is paid in cash has arrived."""
_line: Final = tuple.__new__  # half of what Line(...) costs; a capture makes three


def captured(fact: PaymentCaptured, chart: Chart) -> list[Line] | Draft | Refusal:
    """The payer's money comes in and is shared out."""
    shares = fact.beneficiaries
    lines = share_out(fact.amount_minor, fact.currency, fact.payer, shares, chart, "D", "C", _PAYMENT_PURPOSE)
    if len(shares) > 1 or (shares and shares[0].commission_bps == WHOLE_BPS):
        return lines if isinstance(lines, Refusal) else Draft("capture", "", lines, commissions_of(shares))
    return lines


def commissions_of(beneficiaries: Sequence[Beneficiary]) -> dict[str, object]:
    """What a voucher says besides its lines where these do not tell whose commission is whose: one beneficiary's is
    the line of platform fees, unless nothing was left to make a line of its own."""
    if not beneficiaries or (
        len(beneficiaries) == 1 and commission_of(beneficiaries[0]) < beneficiaries[0].amount_minor
    ):
        return {}
    return custody.commissions_of(beneficiaries)


def proven(fact: ProvenCaptured, chart: Chart) -> Draft | Refusal:
    """The same with its proof; what was paid on delivery is with whoever delivered, not with a processor."""
    proof = proof_of(fact)
    if isinstance(proof, Refusal):
        return proof
    lines = share_out(
        fact.amount_minor, fact.currency, payer_of(fact), fact.beneficiaries, chart, "D", "C", _PAYMENT_PURPOSE
    )
    said = {**proof, **commissions_of(fact.beneficiaries)}
    return lines if isinstance(lines, Refusal) else Draft("capture", "", lines, said)


def payer_of(fact: PaymentCaptured) -> str | None:
    """The account that pays, as events name it; None for the clearing of the processor."""
    return _ON_DELIVERY if fact.method == CASH_ON_DELIVERY else fact.payer


def proof_of(fact: PaymentCaptured) -> dict[str, object] | Refusal:
    """What the voucher says of the proof that its event carries; nothing of one that carries none."""
    if not isinstance(fact, ProvenCaptured):
        return {}
    gateway = {
        "gateway_transaction_id": fact.gateway_transaction_id, "gateway_response": fact.gateway_response
    }  # fmt: skip
    confirmed = {"confirmed_by": fact.confirmed_by, "confirmed_at": fact.confirmed_at}
    if fact.method != CASH_ON_DELIVERY:
        return _unproven(gateway, confirmed) or {**gateway, "order_status": SHIPPED}
    if fact.payer is not None:
        return Refusal(Code.DATA_INVALID, "payer: cash on delivery comes from nobody's account")
    return _unproven(confirmed, gateway) or {**confirmed, "order_status": DELIVERED}


def _unproven(proof: Mapping[str, str], other: Mapping[str, str]) -> Refusal | None:
    """Each way to pay has its own proof, whole, and no other."""
    for name, said in proof.items():
        if not said:
            return Refusal(Code.DATA_INVALID, f"{name}: missing")
    for name, said in other.items():
        if said:
            return Refusal(Code.DATA_INVALID, f"{name}: no proof of this method")
    return None


def share_out(
    amount_minor: int,
    currency: str,
    payer: str | None,
    beneficiaries: Sequence[Beneficiary],
    chart: Chart,
    payer_side: Side,
    share_side: Side,
    payer_purpose: int,
) -> list[Line] | Refusal:
    """One line for the payer, one for each part; what is left or missing goes to the order's suspense."""
    account = chart.resolve(payer, currency) if payer else chart.control(_CLEARING, currency)
    if account is None:
        return _missing(payer or _CLEARING, currency, amount_minor, beneficiaries)
    lines = [_line(Line, (account, payer_side, amount_minor, currency, payer_purpose))]
    rest_minor, fees_minor = amount_minor, 0
    for share in beneficiaries:
        account, purpose = share.account, _SHARE_PURPOSE
        if account.startswith(CONTROL_PREFIX):
            account, purpose = chart.resolve(account, currency), _PURPOSES.get(share.account, _SHARE_PURPOSE)
            if account is None:
                return _missing(share.account, currency, amount_minor, beneficiaries)
        if type(share) is ExactShare:
            fee_minor = share.commission_minor
        else:
            fee_minor = part_minor(share.amount_minor, share.commission_bps)
        rest_minor -= share.amount_minor
        fees_minor += fee_minor
        if fee_minor < share.amount_minor:
            net_minor = share.amount_minor - fee_minor
            lines.append(_line(Line, (account, share_side, net_minor, currency, purpose)))
    if fees_minor:
        account = chart.control(_FEES, currency)
        if account is None:
            return _missing(_FEES, currency, amount_minor, beneficiaries)
        lines.append(_line(Line, (account, share_side, fees_minor, currency, _FEE_PURPOSE)))
    if rest_minor:
        account = chart.control(_SUSPENSE, currency)
        if account is None:
            return _missing(_SUSPENSE, currency, amount_minor, beneficiaries)
        side = share_side if rest_minor > 0 else payer_side
        lines.append(_line(Line, (account, side, abs(rest_minor), currency, _SUSPENSE_PURPOSE)))
    if fees_minor > MAX_AMOUNT_MINOR or rest_minor < -MAX_AMOUNT_MINOR:
        return _too_large()
    return same_account_on_both_sides(lines) or lines


def _too_large() -> Refusal:
    return Refusal(Code.SUM_TOO_LARGE, "the parts add up to more than a line can hold")


def _missing(name: str, currency: str, amount_minor: int, beneficiaries: Sequence[Beneficiary]) -> Refusal:
    """No control account to share out to; what the parts say by themselves comes before that."""
    fees_minor = sum(part_minor(share.amount_minor, share.commission_bps) for share in beneficiaries)
    rest_minor = amount_minor - sum(share.amount_minor for share in beneficiaries)
    if fees_minor > MAX_AMOUNT_MINOR or rest_minor < -MAX_AMOUNT_MINOR:
        return _too_large()
    return control_missing(name, currency)
