"""What is wrong with captures in a marketplace, which asks for profiles and takes its commission in one currency."""

from collections.abc import Mapping
from typing import Any

from ledger_core.domain.outcomes import Code
from schemas.charts import load_chart
from tests.support.faults.payments import capture, posted_before, step
from tests.support.faults.telling import POLICY, Fault, Telling, in_book, parked
from tests.support.postings import authorized, captured, event, voided

MARKET_BOOK = "market"
_CONTROLS: Any = load_chart()["controls"]
MARKET_CHART: dict[str, object] = {
    "accounts": [{"code": "fees", "type": "revenue", "currency": "EUR", "role": "PLATFORM_FEES"}],
    "controls": [control for control in _CONTROLS if control["role"] != "PLATFORM_FEES"],
    "templates": [{"pattern": "wallet:*", "type": "liability"}],
    "sources": POLICY,
    "marketplace": {"require_profiles": True},
}


def split(number: int) -> Telling:
    """A capture whose beneficiary may be paid out."""
    telling = capture(number)
    telling.book = MARKET_BOOK
    payee = telling.data["beneficiaries"][0]["account"]
    telling.first(_profile(telling, payee, "VERIFIED"))
    return telling


def _profile(telling: Telling, payee: str, status: str) -> Any:
    data: dict[str, object] = {"beneficiary": payee, "status": status}
    if status == "VERIFIED":
        data |= {"rails": ["sepa"], "bank_account_ref": {"user": "u-1"}}
    return event("settlement_profile.updated.v1", payee, f"{status}-{telling.number}", data)


def _suspended(telling: Telling) -> None:
    telling.first(_profile(telling, telling.data["beneficiaries"][0]["account"], "SUSPENDED"))


def _in_another_custody(telling: Telling) -> None:
    """More of a payment of which a part is in escrow."""
    payee = telling.data["beneficiaries"][0]["account"]
    telling.before.insert(1, in_book(captured(telling.key, 5, to=payee), MARKET_BOOK))
    telling.data["custody"] = "direct"


SPLIT: Mapping[Code, Fault] = {
    Code.SPLIT_LEGS_UNBALANCED: lambda telling: telling.data.__setitem__("amount_minor", "101"),
    Code.PAYMENT_FAILED: posted_before(step("payment.failed.v1")),
    Code.PAYMENT_VOIDED: posted_before(authorized, voided),
    Code.CUSTODY_DIFFERS: _in_another_custody,
    Code.SELLER_PAYOUT_PROFILE_MISSING: _suspended,
    Code.PLATFORM_COMMISSION_RECIPIENT_MISSING: lambda telling: telling.data.__setitem__("currency", "USD"),
    Code.ORDER_KEY_PARKED: parked,
}
