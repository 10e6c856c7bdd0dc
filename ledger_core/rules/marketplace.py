"""Captures of split payments: one buyer, several beneficiaries, the platform's commission.

| | in escrow | in direct custody |
|---|---|---|
| clearing of the processor, or the payer's wallet | debit the amount | debit the commissions |
| each beneficiary | credit its part less commission | |
| platform fees, in one line | credit the commissions | credit the commissions |

Without escrow the platform never books a beneficiary's share: it never has it. The parts must be the whole: there is no
suspense. Across currencies they are those of the exchanged amount (`exchanges`).
Commission is rounded down in minor units; the beneficiary keeps the remainder.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID, uuid5

from ledger_core.domain import custody
from ledger_core.domain.charts import Chart, Role
from ledger_core.domain.exchanges import exchange_of
from ledger_core.domain.facts import Fact
from ledger_core.domain.marketplaces import DIRECT, Marketplace
from ledger_core.domain.money import part_minor
from ledger_core.domain.notices import VERIFIED, SettlementProfileUpdated
from ledger_core.domain.outcomes import Code, Refusal, first_of
from ledger_core.domain.payments import (
    CASH_ON_DELIVERY,
    AtBookRate,
    Beneficiary,
    ExchangedCaptured,
    PaymentCaptured,
    ProvenCaptured,
    SplitCaptured,
)
from ledger_core.domain.vouchers import Draft, Line, Purpose
from ledger_core.rules import exchanges
from ledger_core.rules.exchanges import refuse_exchange
from ledger_core.rules.lines import Named, control, lines_of
from ledger_core.rules.payments import captured, proven

LEGS: Final = UUID("6960dad5-2f09-564d-a4c0-f1e07d9a5620")
"""Name space of the ids of legs: each is made of its payment and its beneficiary, whoever makes it, however often."""

_TAKEN: Final[Mapping[type, Callable[[Any, Chart], list[Line] | Draft | Refusal]]] = MappingProxyType({
    ProvenCaptured: proven, ExchangedCaptured: exchanges.captured,
})  # fmt: skip
"""By which rule a split capture takes the money, where that is not the plain one. Any: the key says which fact."""
_CLEARING: Final = control(Role.PROCESSOR_CLEARING)
_FEES: Final = control(Role.PLATFORM_FEES)


def in_marketplace(fact: Fact | None, chart: Chart) -> Fact | None:
    """A capture as a marketplace takes it: split, in its own custody or in the book's, with the book's commission where
    beneficiaries name none. What follows it goes by the legs that it made (`legs`)."""
    marketplace = chart.marketplace
    if marketplace is None or not isinstance(fact, PaymentCaptured):
        return fact
    told, said = (fact.told, fact.custody) if isinstance(fact, SplitCaptured) else (fact, "")
    if any(isinstance(share, AtBookRate) for share in told.beneficiaries):
        told = replace(told, beneficiaries=tuple([_at_rate(share, marketplace) for share in told.beneficiaries]))
    return SplitCaptured.of(told, said or marketplace.custody, needs_profiles=marketplace.require_profiles)


def _at_rate(share: Beneficiary, marketplace: Marketplace) -> Beneficiary:
    if not isinstance(share, AtBookRate):
        return share
    return Beneficiary(share.account, share.amount_minor, marketplace.commission_bps)


def split(fact: SplitCaptured, chart: Chart) -> Draft | Refusal:
    """The voucher, with its legs; nothing is posted of a payment that is not the platform's in any part."""
    told, quoted = fact.told, refuse_exchange(fact.told, chart)
    if chart.marketplace is None:
        no_market = Refusal(Code.SPLIT_ORDER_NOT_CONFIGURED, "the chart of the book declares no marketplace")
        return first_of(quoted, no_market) or no_market
    refusal = first_of(_refuse_data(fact), quoted) or _refuse_parts(fact)
    if refusal is not None:
        return refusal
    legs = _legs(fact)
    commission_minor = sum(int(leg["commission_minor"]) for leg in legs)
    exchange = exchange_of(told)
    currency = exchange.currency if exchange else fact.currency
    missing = _refuse_recipient(currency, chart) if commission_minor else None
    taken = _TAKEN.get(type(told), captured)(told, chart)
    if isinstance(taken, Refusal):
        return first_of(missing, taken) or taken
    if missing is not None:
        return missing
    lines, proof = (taken, {}) if isinstance(taken, list) else (taken.lines, taken.details or {})
    if fact.custody == DIRECT:
        commission = lines_of(_commission(commission_minor), fact.currency, chart)
        if isinstance(commission, Refusal):
            return commission
        lines, proof = commission, {**proof, **custody.commissions_of(fact.beneficiaries)}
    said = {"custody": fact.custody, "commission_minor": str(commission_minor), "legs": legs}
    return Draft("capture", "", lines, {**proof, "split": said}, recorded=not lines)


def _commission(amount_minor: int) -> list[Named]:
    """All that the platform gets of a payment in direct custody."""
    return [(_CLEARING, "D", amount_minor, Purpose.PAYMENT), (_FEES, "C", amount_minor, Purpose.PLATFORM_FEE)]


def profile_updated(fact: SettlementProfileUpdated, _chart: Chart) -> Draft | Refusal:
    """A record; its revision is known under lock alone."""
    if fact.status == VERIFIED and not (fact.rails and fact.bank_account_ref):
        return Refusal(Code.DATA_INVALID, "status: a verified profile names its rails and its bank account")
    return Draft("", "", [], recorded=True)


def _refuse_data(fact: SplitCaptured) -> Refusal | None:
    shares = fact.beneficiaries
    if len({share.account for share in shares}) != len(shares):
        return Refusal(Code.DATA_INVALID, "beneficiaries: one is named twice")
    if fact.custody == DIRECT and exchange_of(fact) is not None:
        return Refusal(
            Code.DATA_INVALID, "exchange: what goes straight to beneficiaries is not the platform's to exchange"
        )
    if fact.custody == DIRECT and (fact.payer is not None or fact.method == CASH_ON_DELIVERY):
        return Refusal(Code.DATA_INVALID, "custody: what a wallet pays, or whoever delivers brings, is the platform's")
    return None


def _refuse_parts(fact: SplitCaptured) -> Refusal | None:
    if not fact.beneficiaries:
        return Refusal(Code.SPLIT_ORDER_NOT_CONFIGURED, "beneficiaries: none are named")
    total_minor = sum(share.amount_minor for share in fact.beneficiaries)
    exchange = exchange_of(fact)
    whole_minor = exchange.amount_minor if exchange else fact.amount_minor
    if total_minor != whole_minor:
        return Refusal(Code.SPLIT_LEGS_UNBALANCED, f"beneficiaries: {total_minor} in all of {whole_minor}")
    return None


def _refuse_recipient(currency: str, chart: Chart) -> Refusal | None:
    if chart.control(Role.PLATFORM_FEES, currency) is not None:
        return None
    detail = "the chart of the book has no account for the platform's commission"
    return Refusal(Code.PLATFORM_COMMISSION_RECIPIENT_MISSING, detail, f"{_FEES}:{currency}")


def _legs(fact: SplitCaptured) -> list[dict[str, str]]:
    legs = []
    for share in fact.beneficiaries:
        commission_minor = part_minor(share.amount_minor, share.commission_bps)
        legs.append({
            "id": str(uuid5(LEGS, f"{fact.payment_id}\n{share.account}")),
            "beneficiary": share.account,
            "amount_minor": str(share.amount_minor),
            "commission_minor": str(commission_minor),
            "net_minor": str(share.amount_minor - commission_minor),
        })  # fmt: skip
    return legs
