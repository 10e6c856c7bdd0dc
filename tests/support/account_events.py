"""Events of accounts as a service would send them, into the book of `postings`."""

from deploy.demo.messages import Message
from tests.support.postings import event

SUSPENSE = "suspense:orders:EUR"
"""Kept per order key."""


def opened(
    code: str, *, account_type: str = "liability", currency: str = "EUR", event_id: str = "", **more: object
) -> Message:
    data: dict[str, object] = {"account": code, "type": account_type, "currency": currency, **more}
    return event("account.opened.v1", code, event_id or f"opened-{code}", data)


def frozen(code: str, *, event_id: str = "", **more: object) -> Message:
    return event("account.frozen.v1", code, event_id or f"frozen-{code}", {"account": code, "reason": "a test", **more})


def unfrozen(code: str, *, event_id: str = "") -> Message:
    return event("account.unfrozen.v1", code, event_id or f"unfrozen-{code}", {"account": code, "reason": "a test"})


def closed(code: str, *, to: str = "", event_id: str = "", **more: object) -> Message:
    data: dict[str, object] = {"account": code, "reason": "a test", **more}
    if to:
        data["closing"] = {"to": to}
    return event("account.closed.v1", code, event_id or f"closed-{code}", data)


def left_over(order: str, minor: int) -> Message:
    """A capture of 100 that leaves this much in the order's suspense; below zero, what is missing."""
    parts = [{"account": "wallet:seller:1", "amount_minor": str(100 - minor)}]
    data = {"payment_id": order, "amount_minor": "100", "currency": "EUR", "method": "card", "beneficiaries": parts}
    return event("payment.captured.v1", order, f"captured-{order}", data)
