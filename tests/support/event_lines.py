"""Structured CloudEvents as lines of a file."""

import json
from collections.abc import Iterable
from pathlib import Path

SOURCE = "/shop/payments"
TIME = "2026-11-21T08:46:53Z"


def event(
    event_id: str, kind: str, order: str, data: dict[str, object], *, book: str = "shop", time: str = TIME
) -> bytes:
    """One line."""
    envelope = {
        "specversion": "1.0", "id": event_id, "source": SOURCE, "type": kind, "subject": order,
        "time": time, "ledgerbook": book, "datacontenttype": "application/json", "data": data,
    }  # fmt: skip
    return json.dumps(envelope).encode()


def captured(order: str, amount: str = "10000", *, seller: str = "wallet:seller:1", book: str = "shop") -> bytes:
    data: dict[str, object] = {
        "payment_id": order, "amount_minor": amount, "currency": "BRL", "method": "card",
        "beneficiaries": [{"account": seller, "amount_minor": amount, "commission_bps": 1000}],
    }  # fmt: skip
    return event(f"payment-capture-{order}", "payment.captured.v1", order, data, book=book)


def refunded(order: str, amount: str = "10000", *, seller: str = "wallet:seller:1", book: str = "shop") -> bytes:
    data: dict[str, object] = {
        "payment_id": order, "refund_id": f"r-{order}", "amount_minor": amount, "currency": "BRL",
        "beneficiaries": [{"account": seller, "amount_minor": amount, "commission_bps": 1000}],
    }  # fmt: skip
    return event(f"payment-refund-{order}", "payment.refunded.v1", order, data, book=book)


def authorized(order: str, amount: str = "10000", *, book: str = "shop") -> bytes:
    data: dict[str, object] = {"payment_id": order, "amount_minor": amount, "currency": "BRL", "method": "card"}
    return event(f"payment-authorization-{order}", "payment.authorized.v1", order, data, book=book)


def hold(kind: str, hold_id: str, event_id: str = "", *, time: str = TIME, **data: object) -> bytes:
    """`hold("placed", "h-1", account="wallet:buyer:1", amount_minor="100", currency="BRL")`."""
    name = event_id or f"hold-{kind}-{hold_id}"
    return event(name, f"hold.{kind}.v1", hold_id, {"hold_id": hold_id, **data}, time=time)


def write(path: Path, lines: Iterable[bytes]) -> str:
    """A file with these lines; returns its path for a command line."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return str(path)
