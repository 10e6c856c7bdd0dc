"""Payments across currencies, as their events tell them."""

from collections.abc import Mapping, Sequence
from typing import Any

from deploy.demo.messages import Message
from tests.support.postings import TIME, event

SELLER, OTHER = "wallet:seller:1", "wallet:seller:2"
QUOTE: Mapping[str, str] = {
    "rate": "6.185", "base": "EUR", "counter": "BRL", "provider": "bank", "source": "desk quote 17", "quoted_at": TIME,
}  # fmt: skip
Shares = Sequence[tuple[str, int]]


def shared(shares: Shares, bps: int = 0) -> list[dict[str, object]]:
    return [{"account": account, "amount_minor": str(part), "commission_bps": bps} for account, part in shares]


def capture_data(
    order: str, paid: int, credited: int, *, currencies: tuple[str, str] = ("EUR", "BRL"), shares: Shares = (),
    bps: int = 0, quote: Mapping[str, str] = QUOTE, **more: object,
) -> dict[str, Any]:  # fmt: skip
    """Without shares one seller gets all of it."""
    return {
        "payment_id": order, "amount_minor": str(paid), "currency": currencies[0], "method": "card",
        "exchange": {"amount_minor": str(credited), "currency": currencies[1], "quote": dict(quote)},
        "beneficiaries": shared(shares or [(SELLER, credited)], bps), **more,
    }  # fmt: skip


def bought(order: str, paid: int = 10_000, credited: int = 61_850, *, event_id: str = "", **more: Any) -> Message:
    """100 EUR, of which the sellers get 618.50 BRL."""
    time = more.pop("time", TIME)
    data = capture_data(order, paid, credited, **more)
    return event("payment.captured.v1", order, event_id or f"bought-{order}", data, time=time)


def step_data(
    order: str, paid: int, shares: Shares = (), *, currencies: tuple[str, str] = ("EUR", "BRL"), bps: int = 0,
    **more: object,
) -> dict[str, Any]:  # fmt: skip
    """Of a refund or dispute; with no second currency, as of a payment in its own."""
    data: dict[str, Any] = {
        "payment_id": order, "amount_minor": str(paid), "currency": currencies[0], **more,
    }  # fmt: skip
    if currencies[1]:
        data["exchange"] = {"currency": currencies[1]}
    if shares:
        data["beneficiaries"] = shared(shares, bps)
    return data


def refund(order: str, paid: int, shares: Shares = (), *, refund_id: str = "r", **more: Any) -> Message:
    data = step_data(order, paid, shares, refund_id=refund_id, **more)
    return event("payment.refunded.v1", order, f"refund-{refund_id}-{order}", data)


def dispute(order: str, paid: int, shares: Shares = (), *, chargeback_id: str = "c", **more: Any) -> Message:
    data = step_data(order, paid, shares, chargeback_id=chargeback_id, **more)
    return event("chargeback.opened.v1", order, f"dispute-{chargeback_id}-{order}", data)


def ended(order: str, how: str, paid: int, *, chargeback_id: str = "c") -> Message:
    """The end of a dispute: `won` or `lost`."""
    data = {"payment_id": order, "chargeback_id": chargeback_id, "amount_minor": str(paid), "currency": "EUR"}
    return event(f"chargeback.{how}.v1", order, f"{how}-{chargeback_id}-{order}", data)


def published(
    rate: str, at: str = TIME, *, pair: str = "EUR/BRL", provider: str = "ecb", event_id: str = "", **more: str
) -> Message:
    """A rate; what else it says may be `time`, `book` or members of its data."""
    where = {name: more.pop(name) for name in ("time", "book") if name in more}
    base, counter = pair.split("/")
    data = {
        "base": base,
        "counter": counter,
        "provider": provider,
        "published_at": at,
        "rate": rate,
        "source": "s",
        **more,
    }
    return event("fx.rate_published.v1", pair, event_id or f"rate-{pair}-{provider}-{at}", data, **where)
