"""Stories of a book with the ready-made chart `payment-facilitator`: what each of its policies refuses or lets wait."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.demo.messages import Message, Producer
from tests.support.market_stories import SOURCE, Story

FACILITATOR = "facilitator"
BEGIN = datetime(2026, 11, 21, 8, tzinfo=UTC)
DAY_MINUTES = 24 * 60
PROOF = {"gateway_transaction_id": "gw-1", "gateway_response": "approved"}


def told(event_type: str, key: str, event_id: str = "", *, minute: int = 0, **data: Any) -> Message:
    moment = (BEGIN + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")
    return Producer(FACILITATOR, SOURCE).event(f"{event_type}.v1", event_id or f"{event_type}-{key}", key, moment, data)


def intent(key: str, minor: int = 1_000, currency: str = "EUR") -> Message:
    return told(
        "payment.intent_created", key, payment_id=key, amount_minor=str(minor), currency=currency, method="card"
    )


def ready(seller: str) -> Message:
    account, iban = f"wallet:seller:{seller}", {"iban": "GE29NB0000000101904917"}
    return told(
        "settlement_profile.updated", account, beneficiary=account, status="VERIFIED", rails=["sepa"],
        bank_account_ref=iban,
    )  # fmt: skip


def capture(
    key: str, event_id: str = "", minor: int = 1_000, currency: str = "EUR", *, minute: int = 0,
    proof: Mapping[str, str] = PROOF, **data: Any,
) -> Message:  # fmt: skip
    """For the seller that is named like the payment."""
    share = {"account": f"wallet:seller:{key}", "amount_minor": str(minor)}
    body = {"payment_id": key, "amount_minor": str(minor), "currency": currency, "method": "card", **proof}
    return told("payment.captured", key, event_id, minute=minute, **{**body, "beneficiaries": [share], **data})


def sold(key: str, **data: Any) -> list[Message]:
    """All that a capture needs, in order, and the capture."""
    return [intent(key), ready(key), capture(key, **data)]


def void(key: str, minute: int) -> Message:
    return told("payment.voided", key, minute=minute, payment_id=key)


def refund(key: str, minor: int) -> Message:
    refund_id = f"back-{key}-{minor}"
    return told(
        "payment.refunded", key, refund_id, payment_id=key, refund_id=refund_id, amount_minor=str(minor), currency="EUR"
    )


def payout(key: str, minor: int) -> Message:
    money: dict[str, Any] = {"amount_minor": str(minor), "currency": "EUR"}
    return told("payout.paid", f"out-{key}", payout_id=f"out-{key}", account=f"wallet:seller:{key}", **money)


def exchanged(key: str, quoted_minutes_before: int) -> Message:
    """Paid in euros, credited in reais, by a quote that is so old."""
    quoted_at = (BEGIN - timedelta(minutes=quoted_minutes_before)).isoformat().replace("+00:00", "Z")
    quote = {"rate": "6.2", "base": "EUR", "counter": "BRL", "provider": "b", "source": "s", "quoted_at": quoted_at}
    share = {"account": f"wallet:seller:{key}", "amount_minor": "6200"}
    return capture(key, beneficiaries=[share], exchange={"amount_minor": "6200", "currency": "BRL", "quote": quote})


def transfer(which: str, event_id: str = "", key: str = "wire", **data: Any) -> Message:
    return told(f"transfer.{which}", key, event_id, transfer_id=key, **data)


def asked_back(refund_id: str, *steps: str) -> list[Message]:
    """A refund of 100 of the payment `steps`, as far as it has come."""
    of: dict[str, Any] = {"payment_id": "steps", "refund_id": refund_id}
    first = told("refund.requested", "steps", f"ask-{refund_id}", **of, amount_minor="100", currency="EUR")
    return [first, *(told(f"refund.{step}", "steps", f"{step}-{refund_id}", **of) for step in steps)]


MONEY: Mapping[str, Any] = {"amount_minor": "80", "currency": "EUR"}
LEGS = [{"account": "wallet:seller:legs", "amount_minor": "999"}]
STORIES: Mapping[str, Story] = {
    "10,000.00 GEL, of which the platform keeps 300 basis points": Story(
        [intent("whole", 1_000_000, "GEL"), ready("whole"), capture("whole", minor=1_000_000, currency="GEL")],
        ["RECORDED", "RECORDED", "POSTED"],
        {"clearing:processor:GEL": 1_000_000, "wallet:seller:whole": -970_000, "revenue:commission:GEL": -30_000},
        {"whole": 1_000_000}, {"payments/whole": {"state": "CAPTURED"}},
    ),
    "a capture that nobody announced waits for its intent": Story(
        [ready("early"), capture("early"), intent("early")],
        ["RECORDED", "PREDECESSOR_ABSENT, then POSTED", "RECORDED"], {"wallet:seller:early": -970}, {"early": 1_000},
    ),
    "a seller who can't be paid out yet": Story(
        [intent("unready"), capture("unready"), ready("unready")],
        ["RECORDED", "SELLER_PAYOUT_PROFILE_MISSING, then POSTED", "RECORDED"],
        {"wallet:seller:unready": -970}, {"unready": 1_000},
    ),
    "a capture without the processor's answer, and then with it": Story(
        [intent("proof"), ready("proof"), capture("proof", "unproven", proof={}), capture("proof")],
        ["RECORDED", "RECORDED", "CAPTURE_PROOF_MISSING", "POSTED"], {}, {"proof": 1_000},
    ),
    "captured once": Story(
        [*sold("once"), capture("once", "again")], ["RECORDED", "RECORDED", "POSTED", "PAYMENT_CAPTURED"],
        {"wallet:seller:once": -970}, {"once": 1_000},
    ),
    "captured in parts that say so": Story(
        [intent("parts"), ready("parts"), capture("parts", "first", 400, partial=True),
         capture("parts", "second", 600, partial=True)],
        ["RECORDED", "RECORDED", "POSTED", "POSTED"], {"wallet:seller:parts": -970}, {"parts": 1_000},
    ),
    "tried again within ten minutes, and after them": Story(
        [intent("tried"), ready("tried"),
         told("payment.capture_failed", "tried", payment_id="tried", failure_reason="no_luck"),
         capture("tried", "soon", minute=9), capture("tried", "later", minute=10)],
        ["RECORDED", "RECORDED", "RECORDED", "CAPTURE_TOO_SOON", "POSTED"], {}, {"tried": 1_000},
        {"payments/tried": {"state": "CAPTURED"}},
    ),
    "voided on the last minute of its day": Story(
        [*sold("undone"), void("undone", DAY_MINUTES)], ["RECORDED", "RECORDED", "POSTED", "POSTED"],
        {"wallet:seller:undone": 0}, {}, {"payments/undone": {"state": "VOIDED"}},
    ),
    "voided a minute after that": Story(
        [*sold("kept"), void("kept", DAY_MINUTES + 1)], ["RECORDED", "RECORDED", "POSTED", "VOID_WINDOW_PASSED"],
        {"wallet:seller:kept": -970}, {"kept": 1_000}, {"payments/kept": {"state": "CAPTURED"}},
    ),
    "a refund that the seller can't bear, and one that it can": Story(
        [*sold("spent"), payout("spent", 500), refund("spent", 600), refund("spent", 400)],
        ["RECORDED", "RECORDED", "POSTED", "POSTED", "SELLER_BALANCE_INSUFFICIENT", "POSTED"],
        {"wallet:seller:spent": -970 + 500 + 388}, {"spent": 1_000},
    ),
    "splits that are none, and one in direct custody": Story(
        [intent("legs"), ready("legs"), capture("legs", "unnamed", beneficiaries=[]),
         capture("legs", "unequal", beneficiaries=LEGS), capture("legs", "direct", custody="direct")],
        ["RECORDED", "RECORDED", "SPLIT_ORDER_NOT_CONFIGURED", "SPLIT_LEGS_UNBALANCED", "POSTED"],
        {}, {"legs": 1_000},
    ),
    "a transfer that settles once every gate is open": Story(
        [transfer("requested", **MONEY), transfer("inflow.received", inflow_id="deposit-1", **MONEY),
         transfer("settled", to="wallet:seller:wired", customer="ana", **MONEY),
         transfer("monitoring.passed"), transfer("approved", "ben agrees", approved_by="ben"),
         told("verification.changed", "ana", customer="ana", status="VERIFIED"),
         transfer("approved", "cleo agrees", approved_by="cleo")],
        ["RECORDED", "POSTED", "TRANSFER_GATE_CLOSED, then POSTED", "RECORDED", "RECORDED", "RECORDED", "RECORDED"],
        {"wallet:seller:wired": -80}, {}, {"transfers/wire": {"state": "SETTLED", "approved_by": ["ben", "cleo"]}},
    ),
    "quotes of a day, and of a day and a minute": Story(
        [intent("fresh"), ready("fresh"), exchanged("fresh", DAY_MINUTES),
         intent("stale"), ready("stale"), exchanged("stale", DAY_MINUTES + 1)],
        ["RECORDED", "RECORDED", "POSTED", "RECORDED", "RECORDED", "QUOTE_STALE"],
        {"wallet:seller:fresh": -6_014}, {"fresh": 1_000, "stale": 0},
    ),
    "payments that stand at their beginning": Story(
        [intent("begun"),
         told("payment.authorized", "promised", payment_id="promised", **MONEY, method="card"),
         told("payment.intent_created", "at-the-door", payment_id="at-the-door", **MONEY, method="cash_on_delivery")],
        ["RECORDED"] * 3, {}, {"begun": 0, "promised": 0},
        {"payments/begun": {"state": "INITIATED"}, "payments/promised": {"state": "AUTHORIZED"},
         "payments/at-the-door": {"state": "PENDING_CASH"}},
    ),
    "refunds that stand at each step": Story(
        [*sold("steps"), *asked_back("asked"), *asked_back("agreed", "approved"),
         *asked_back("under-way", "approved", "processing")],
        ["RECORDED", "RECORDED", "POSTED", *["RECORDED"] * 6], {}, {},
        {"refunds/asked": {"state": "PENDING"}, "refunds/agreed": {"state": "APPROVED"},
         "refunds/under-way": {"state": "PROCESSING"}, "payments/steps": {"state": "CAPTURED", "execution": "PENDING"}},
    ),
    "a deposit that has come, and one that is announced": Story(
        [transfer("requested", key="halves", **MONEY),
         transfer("inflow.received", "half", "halves", inflow_id="d-1", amount_minor="50", currency="EUR"),
         transfer("inflow.announced", "rest", "halves", inflow_id="d-2", amount_minor="30", currency="EUR")],
        ["RECORDED", "POSTED", "RECORDED"], {}, {}, {"transfers/halves": {"state": "INFLOW_PARTIAL"}},
    ),
    "a transfer that somebody looks at by hand": Story(
        [transfer("requested", key="by-hand", **MONEY), transfer("review.opened", key="by-hand", opened_by="ana"),
         transfer("inflow.received", key="by-hand", inflow_id="d-1", **MONEY)],
        ["RECORDED", "RECORDED", "TRANSFER_GATE_CLOSED"], {}, {}, {"transfers/by-hand": {"state": "UNDER_REVIEW"}},
    ),
    "a customer who is verified no more": Story(
        [told("verification.changed", "dan", "dan is", customer="dan", status="VERIFIED"),
         told("verification.changed", "dan", "dan is not", customer="dan", status="SUSPENDED"),
         transfer("requested", key="late", **MONEY),
         transfer("inflow.received", key="late", inflow_id="d-1", **MONEY),
         transfer("monitoring.passed", key="late"),
         transfer("approved", "ben on late", "late", approved_by="ben"),
         transfer("approved", "cleo on late", "late", approved_by="cleo"),
         transfer("settled", key="late", to="wallet:seller:wired", customer="dan", **MONEY)],
        ["RECORDED", "RECORDED", "RECORDED", "POSTED", "RECORDED", "RECORDED", "RECORDED", "TRANSFER_GATE_CLOSED"],
        {}, {}, {"transfers/late": {"state": "FUNDED"}},
    ),
}  # fmt: skip
