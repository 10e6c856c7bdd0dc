"""Stories of a marketplace, from splits to payouts: what is sent, what becomes of it, and what the API answers then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.demo.messages import Message, Producer
from tests.support.story_books import into

THEN = ", then "
MARKET, SOURCE = "market", "/shop/payments"


@dataclass(frozen=True, slots=True)
class Story:
    """What is sent, what became of each event, and what accounts (debits less credits) and payments answer after it.

    An outcome is the last word on an event, or more of them: `ACCOUNT_MISSING, then POSTED`. `answers` are members of
    what a path answers; at the paths of `absent` there is nothing.
    """

    messages: Sequence[Message]
    outcomes: Sequence[str]
    balances: Mapping[str, int] = field(default_factory=dict)
    captured: Mapping[str, int] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    absent: Sequence[str] = ()


def told(
    event_type: str, key: str, event_id: str = "", minor: int = 0, *, at: str = "2026-11-21T08:00:00Z", **data: Any
) -> Message:
    """A step names its part like the event before its type's last word: `payout-w`."""
    kind, _, which = event_type.partition(".")
    body: dict[str, Any] = dict(data)
    if minor:
        body |= {"amount_minor": str(minor), "currency": "EUR"}
    if kind in ("payment", "refund", "chargeback", "settlement"):
        body.setdefault("payment_id", key)
    if kind in ("refund", "chargeback", "settlement", "payout", "fee", "sale"):
        body.setdefault(f"{kind}_id", key)
    if which in ("failed", "returned", "finality_failed"):
        body["failure_reason"] = "no_luck"
    message_id = event_id or f"{event_type}-{key}"
    return Producer(MARKET, SOURCE).event(f"{event_type}.v1", message_id, key, at, body)


def ready(seller: str) -> Message:
    account = f"wallet:seller:{seller}"
    verified: dict[str, Any] = {
        "status": "VERIFIED",
        "rails": ["sepa"],
        "bank_account_ref": {"iban": "GE29NB0000000101904917"},
    }
    return told("settlement_profile.updated", account, beneficiary=account, **verified)


def bought(key: str, shares: Mapping[str, int] | None = None, **data: Any) -> Message:
    """For 1,000; by the seller that is named like the payment, unless others are."""
    of = shares or {key: 1_000}
    parts = [{"account": f"wallet:seller:{name}", "amount_minor": str(minor)} for name, minor in of.items()]
    return told("payment.captured", key, minor=1_000, method="card", beneficiaries=parts, **data)


def refunded(key: str, minor: int) -> Message:
    """As processors say it: nobody bears it by name."""
    return told("payment.refunded", key, minor=minor, refund_id=f"r-{key}")


def of_seller(event_type: str, key: str, minor: int, **data: Any) -> Message:
    return told(event_type, key, minor=minor, account="wallet:seller:done", **data)


def legs(
    custody: str, *of: tuple[str, int, int], currency: str = "EUR", back: tuple[int, int] = (0, 0)
) -> Mapping[str, object]:
    """What the API says of a split payment: its legs, with amount and commission, and nothing of states."""

    def amount(minor: int) -> Mapping[str, object]:
        return {"amount_minor": str(minor), "currency": currency, "scale": 2}

    return {"custody": custody, "legs": [
        {"beneficiary": f"wallet:seller:{seller}", "amount": amount(minor), "commission": amount(commission),
         "net": amount(minor - commission), "back": amount(back[0]), "commission_back": amount(back[1])}
        for seller, minor, commission in of
    ]}  # fmt: skip


def in_lari(event_type: str, key: str, minor: int, **data: Any) -> Message:
    return told(event_type, key, amount_minor=str(minor), currency="GEL", **data)


ASKED, APPROVED, PROCESSING = ("requested", 100), ("approved", 0), ("processing", 0)
LONG_AGO, FAR_AHEAD = "2021-01-01T08:00:00Z", "2199-01-01T08:00:00Z"
UNDER_WAY = [
    ("asked", LONG_AGO, [ASKED]), ("approved", LONG_AGO, [ASKED, APPROVED]),
    ("slow", LONG_AGO, [ASKED, APPROVED, PROCESSING]), ("quick", FAR_AHEAD, [ASKED, APPROVED, PROCESSING]),
]  # fmt: skip
"""Refunds with the time of their steps: of one the processor is at it for long, of the other it has just begun."""
TBILISI = [{"account": "wallet:seller:tbilisi", "amount_minor": "1000000"}]
PREPAID = {"gateway_transaction_id": "ch_1", "gateway_response": "approved"}
FEE_FAILS = [("fee.failed", "1"), ("fee.retried", "2"), ("fee.failed", "3"), ("fee.retried", "4"), ("fee.failed", "5")]
STORIES: Mapping[str, Story] = {
    "one buyer, two sellers who are not ready yet, and part of it given back": Story(
        [bought("mall", {"mall-a": 750, "mall-b": 250}), ready("mall-a"), ready("mall-b"), refunded("mall", 100)],
        ["POSTED", "RECORDED", "RECORDED", "POSTED"],
        {"wallet:seller:mall-a": -728 + 73, "wallet:seller:mall-b": -243 + 25}, {"mall": 1_000},
        {"payments/mall": {"state": "CAPTURED"}, "refunds/r-mall": {"state": "COMPLETED"}},
    ),
    "in direct custody the settlement brings the commission": Story(
        [ready("stall"), bought("stall", custody="direct"), told("settlement.confirmed", "stall", minor=1_000),
         told("settlement.finality_confirmed", "stall", minor=1_000)],
        ["RECORDED", "POSTED", "POSTED", "POSTED"], {}, {"stall": 1_000},
        {"payments/stall": {"execution": "CONFIRMED", "finality": "CONFIRMED"}},
    ),
    "ten thousand lari, of which three hundred are the platform's": Story(
        [ready("tbilisi"),
         in_lari("payment.captured", "lari", 1_000_000, method="card", beneficiaries=TBILISI, **PREPAID),
         in_lari("settlement.confirmed", "lari", 1_000_000),
         in_lari("settlement.finality_confirmed", "lari", 1_000_000)],
        ["RECORDED", "POSTED", "POSTED", "POSTED"],
        {"wallet:seller:tbilisi": -970_000, "revenue:commission:GEL": -30_000, "cash:bank:GEL": 1_000_000,
         "clearing:processor:GEL": 0},
        {"lari": 1_000_000},
        {"payments/lari": {"split": legs("escrow", ("tbilisi", 1_000_000, 30_000), currency="GEL"),
                           "finality": "CONFIRMED", "order_status": "SHIPPED"}},
    ),
    "two sellers, one of whose settlements does not last: the order's finality, and no leg's": Story(
        [ready("day"), ready("night"), bought("both", {"day": 600, "night": 400}),
         told("settlement.confirmed", "both", "both-1", minor=600, settlement_id="both-1"),
         told("settlement.finality_confirmed", "both", "both-2", minor=600, settlement_id="both-1"),
         told("settlement.confirmed", "both", "both-3", minor=400, settlement_id="both-2"),
         told("settlement.finality_failed", "both", "both-4", settlement_id="both-2")],
        ["RECORDED", "RECORDED"] + ["POSTED"] * 5,
        {"wallet:seller:day": -582, "wallet:seller:night": -388}, {"both": 1_000},
        {"payments/both": {"execution": "CONFIRMED", "finality": "FAILED",
                           "split": legs("escrow", ("day", 600, 18), ("night", 400, 12))}},
    ),
    "splits that are refused, of which no payment comes": Story(
        [bought("uneven", {"done": 400, "kept": 500}), told("payment.captured", "nobodys", minor=1_000, method="card"),
         bought("unready", {"stranger": 1_000})],
        ["SPLIT_LEGS_UNBALANCED", "SPLIT_ORDER_NOT_CONFIGURED", "SELLER_PAYOUT_PROFILE_MISSING"], {}, {}, {},
        ["payments/uneven", "payments/nobodys", "payments/unready", "accounts/wallet:seller:stranger/balance"],
    ),
    "a dispute that is lost, and costs": Story(
        [ready("lost"), bought("lost"), told("chargeback.opened", "lost", minor=400, fee_minor="15"),
         told("chargeback.evidence_submitted", "lost"), told("chargeback.lost", "lost", minor=400)],
        ["RECORDED", "POSTED", "POSTED", "RECORDED", "POSTED"],
        {"wallet:seller:lost": -970 + 388, "reserve:chargebacks:EUR": 0, "expense:chargebacks:EUR": 15}, {},
        {"payments/lost": {"state": "CAPTURED"}},
    ),
    "a dispute that is won, with its fee": Story(
        [ready("won"), bought("won"), told("chargeback.opened", "won", minor=400, fee_minor="15"),
         told("chargeback.won", "won", minor=400, fee_minor="15")],
        ["RECORDED", "POSTED", "POSTED", "POSTED"], {"wallet:seller:won": -970}, {"won": 1_000},
    ),
    "a settlement that is final": Story(
        [ready("done"), bought("done"), told("settlement.confirmed", "done", minor=1_000, fee_minor="30"),
         told("settlement.finality_confirmed", "done", minor=970)],
        ["RECORDED", "POSTED", "POSTED", "POSTED"], {"expense:processor:EUR": 30}, {},
        {"payments/done": {"execution": "CONFIRMED", "finality": "CONFIRMED"}},
    ),
    "and one that is not": Story(
        [ready("undone"), bought("undone"), told("settlement.confirmed", "undone", minor=1_000),
         told("settlement.finality_failed", "undone")],
        ["RECORDED", "POSTED", "POSTED", "POSTED"], {"clearing:settlements:EUR": 0}, {},
        {"payments/undone": {"execution": "CONFIRMED", "finality": "FAILED"}},
    ),
    "a settlement that fails": Story(
        [ready("bounced"), bought("bounced"), told("settlement.confirmed", "bounced", minor=1_000),
         told("settlement.failed", "bounced")],
        ["RECORDED", "POSTED", "POSTED", "POSTED"], {}, {}, {"payments/bounced": {"execution": "FAILED"}},
    ),
    "a refund in its steps, of which the platform keeps its commission": Story(
        [ready("steps"), bought("steps"), *(told(f"refund.{step}", "steps", minor=minor, **more)
         for step, minor, more in (("requested", 200, {}), ("approved", 0, {}), ("processing", 0, {}),
                                   ("completed", 200, {"platform_fee": "kept"})))],
        ["RECORDED", "POSTED", "RECORDED", "RECORDED", "RECORDED", "POSTED"], {"wallet:seller:steps": -970 + 200},
        {"steps": 1_000}, {"payments/steps": {"state": "CAPTURED"}, "refunds/steps": {"state": "COMPLETED"}},
    ),
    "a refund that fails": Story(
        [ready("kept"), bought("kept"), told("refund.requested", "kept", minor=200), told("refund.failed", "kept")],
        ["RECORDED", "POSTED", "RECORDED", "RECORDED"], {"wallet:seller:kept": -970}, {"kept": 1_000},
        {"refunds/kept": {"state": "FAILED", "failure_reason": "no_luck"}},
    ),
    "refunds that stop half-way": Story(
        [ready("half"), bought("half"), *(told(f"refund.{step}", "half", f"{refund}-{step}", minor=minor, at=at,
         refund_id=refund) for refund, at, steps in UNDER_WAY for step, minor in steps)],
        ["RECORDED", "POSTED"] + ["RECORDED"] * 9, {"wallet:seller:half": -970}, {"half": 1_000},
    ),
    "payments of which nothing comes": Story(
        [told("payment.authorized", "expires", minor=10, method="card"),
         told("payment.authorization_expired", "expires"),
         told("payment.intent_created", "fails", minor=10, method="card"),
         told("payment.capture_failed", "fails", failure_reason="no_luck"), told("payment.failed", "fails")],
        ["RECORDED"] * 5, {}, {"expires": 0, "fails": 0},
        {"payments/expires": {"state": "FAILED"}, "payments/fails": {"state": "FAILED"}},
    ),
    "a fee that fails three times": Story(
        [*(told(event_type, "fee-a", f"fee-a-{event_id}") for event_type, event_id in FEE_FAILS),
         of_seller("fee.charged", "fee-a", 10)],
        ["RECORDED"] * 5 + ["FEE_PERMANENTLY_FAILED"], {}, {},
        {"fees/fee-a": {"state": "PERMANENTLY_FAILED", "failure_reason": "no_luck"}},
    ),
    "a fee that is charged at the third try": Story(
        [*(told(event_type, "fee-c", f"fee-c-{event_id}") for event_type, event_id in FEE_FAILS[:4]),
         of_seller("fee.charged", "fee-c", 3, reference="lost")],
        ["RECORDED"] * 4 + ["POSTED"], {}, {}, {"fees/fee-c": {"state": "CHARGED", "reference": "lost"}},
    ),
    "a fee that is charged and partly given back": Story(
        [of_seller("fee.charged", "fee-b", 10, reference="done"), of_seller("fee.refunded", "fee-b", 4)],
        ["POSTED", "POSTED"], {"wallet:seller:done": -970 + 10 - 4 + 3},
    ),
    "payouts that fail, and come back": Story(
        [of_seller("payout.requested", "w-fails", 100), told("payout.failed", "w-fails"),
         of_seller("payout.requested", "w-back", 100), of_seller("payout.paid", "w-back", 100),
         told("payout.returned", "w-back")],
        ["POSTED"] * 5, {"clearing:payouts:EUR": 0}, {},
        {"payouts/w-fails": {"state": "FAILED", "failure_reason": "no_luck"}, "payouts/w-back": {"state": "RETURNED"}},
    ),
    "a sale, its goods, and what the warehouse counts": Story(
        [told("sale.completed", "sold", minor=100, attempt={"finance": {"source": {"id": "control:CASH"}}}),
         told("sale.completed", "elsewhere", minor=100),
         told("cogs.recorded", "sold", minor=60, sale_id="sold"),
         told("inventory.adjusted", "found", minor=80, adjustment_id="found", direction="increase",
              reason="correction", reference="count-7")],
        ["POSTED", "SOURCE_NOT_CHOSEN", "POSTED", "POSTED"],
        {"revenue:sales:EUR": -100, "expense:cogs:EUR": 60, "inventory:EUR": 20, "expense:inventory:EUR": -80},
    ),
    "what all of this comes to": Story(
        [], [],
        {"clearing:processor:EUR": 900 + 585 + 1_000 + 1_000 + 400 + 1_000 + 800 + 1_000 + 1_000,
         "cash:bank:EUR": 30 + 970 + 100 + 600},
    ),
}  # fmt: skip

BAZAAR = "bazaar"
FREE = [{"account": "wallet:seller:a", "amount_minor": "1000", "commission_bps": 0}]
OF_BAZAAR: Mapping[str, Story] = {
    "a split whose commission nobody would get": Story(
        [into(BAZAAR, bought("no-recipient", {"a": 1_000}))], ["PLATFORM_COMMISSION_RECIPIENT_MISSING"], {}, {}, {},
        ["payments/no-recipient"],
    ),
    "and one that has none": Story(
        [into(BAZAAR, told("payment.captured", "no-commission", minor=1_000, method="card", beneficiaries=FREE))],
        ["POSTED"], {"wallet:seller:a": -1_000}, {"no-commission": 1_000},
        {"payments/no-commission": {"split": legs("escrow", ("a", 1_000, 0))}},
    ),
}  # fmt: skip
"""Of a marketplace whose chart names no account for the platform's commission."""
