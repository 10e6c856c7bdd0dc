"""Webhooks as processors send them, written by hand: as much of each as says what it says."""

from collections.abc import Mapping

Document = dict[str, object]
CREATED = 1_763_714_813
TIME = "2025-11-21T08:46:53Z"
"""The same moment."""


def stripe(kind: str, thing: Mapping[str, object], *, event_id: str = "evt_1", **members: object) -> Document:
    return {
        "id": event_id, "object": "event", "type": kind, "created": CREATED, "livemode": True,
        "data": {"object": thing}, **members,
    }  # fmt: skip


def charge(**members: object) -> Document:
    """A charge of a payment intent, captured at once."""
    return {
        "id": "ch_1", "object": "charge", "amount": 10_000, "amount_captured": 10_000, "currency": "eur",
        "captured": True, "paid": True, "status": "succeeded", "payment_intent": "pi_1",
        "payment_method_details": {"type": "card"}, **members,
    }  # fmt: skip


def held_charge(**members: object) -> Document:
    """A charge that is authorised and waits for its capture."""
    return charge(captured=False, amount_captured=0, **members)


def refund(**members: object) -> Document:
    return {
        "id": "re_1", "object": "refund", "amount": 4_000, "currency": "eur", "status": "succeeded",
        "charge": "ch_1", "payment_intent": "pi_1", "balance_transaction": "txn_1", **members,
    }  # fmt: skip


def dispute(**members: object) -> Document:
    """A dispute about a charge; what was taken for it stands in its balance transactions."""
    return {
        "id": "dp_1", "object": "dispute", "amount": 10_000, "currency": "eur", "status": "needs_response",
        "charge": "ch_1", "payment_intent": "pi_1", "balance_transactions": [], **members,
    }  # fmt: skip


def withdrawn(**members: object) -> Document:
    return {"id": "txn_2", "amount": -10_000, "currency": "eur", "fee": 1_500, **members}


def given_back(**members: object) -> Document:
    return {"id": "txn_3", "amount": 10_000, "currency": "eur", "fee": -1_500, **members}


def payout(**members: object) -> Document:
    return {"id": "po_1", "object": "payout", "amount": 1_100, "currency": "eur", "status": "paid", **members}


def intent(*charges: Document, **members: object) -> Document:
    return {"id": "pi_1", "object": "payment_intent", "charges": {"data": list(charges)}, **members}


def adyen_item(code: str, *, success: str = "true", value: int = 10_000, **members: object) -> Document:
    """One item, without the envelope; a modification names the payment."""
    original = {} if code == "AUTHORISATION" else {"originalReference": "PAYMENT1"}
    own = "PAYMENT1" if code == "AUTHORISATION" else f"{code}1"
    return {
        "amount": {"currency": "EUR", "value": value}, "eventCode": code, "eventDate": TIME,
        "merchantAccountCode": "Shop", "merchantReference": "order-1", "paymentMethod": "visa",
        "pspReference": own, "reason": "", "success": success, **original, **members,
    }  # fmt: skip


def adyen(*items: Mapping[str, object], live: str = "true") -> Document:
    return {"live": live, "notificationItems": [{"NotificationRequestItem": item} for item in items]}


def paypal(kind: str, resource: Mapping[str, object], *, event_id: str = "WH-1") -> Document:
    return {"id": event_id, "event_version": "1.0", "create_time": TIME, "event_type": kind, "resource": resource}


def paypal_thing(own: str, value: str = "100.00", currency: str = "EUR", **members: object) -> Document:
    return {"id": own, "amount": {"currency_code": currency, "value": value}, **members}


def up_to_capture(capture: str) -> Document:
    """The links of a refund."""
    href = f"https://api.paypal.com/v2/payments/captures/{capture}"
    return {
        "links": [{"rel": "self", "href": "https://api.paypal.com/v2/payments/refunds/R"}, {"rel": "up", "href": href}]
    }
