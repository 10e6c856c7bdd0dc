"""The public Olist files (a Brazilian marketplace, 2016 to 2018) as payment events of book `olist`.

Every payment row is an authorisation and a capture; a row of zero has nothing to authorise, and its capture is
published as it stands, for the ledger to refuse. The last payment of an order that is not zero carries the
beneficiaries of the whole order, one for each seller, so that suspense keeps exactly what payments and items differ
by. Orders whose items are not in the files name the account for unallocated sales. Canceled and unavailable orders are
refunded in full, delivered ones are paid out. The files' local times are taken as UTC.

In steps, the same money takes its longer way: an order that was canceled before anybody approved it is voided, which
mirrors its captures; other refunds are requested, approved, processed and completed, and payouts requested before they
are paid.
"""

import csv
import lzma
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TextIO

from deploy.demo.messages import Message, Producer

BOOK = "olist"
CURRENCY = "BRL"
COMMISSION_BPS = 1000
UNALLOCATED = "control:UNALLOCATED_SALES"
REFUNDED_STATUSES = frozenset({"canceled", "unavailable"})
ORDERS_FILE = "olist_orders_full.csv"
PAYMENTS_FILE = "olist_order_payments_full.csv"
ITEMS_FILE = "olist_order_items_union_sample.csv"


Fate = Literal["none", "refunded", "voided", "paid_out"]
"""A voided order is refunded, too, unless lives are told in steps."""


@dataclass(slots=True, frozen=True)
class Payment:
    """One row of the payments file."""

    sequential: int
    method: str
    amount_minor: int


@dataclass(slots=True)
class Order:
    """One order with its payments, by sequential number, and what its items give each seller (gross)."""

    order_id: str
    status: str
    purchased_at: str
    approved_at: str
    delivered_at: str
    approved: bool = True
    payments: list[Payment] = field(default_factory=list)
    gross_minor_by_seller: dict[str, int] = field(default_factory=dict)

    @property
    def paid_minor(self) -> int:
        return sum(payment.amount_minor for payment in self.payments)

    @property
    def fate(self) -> Fate:
        """What follows the captures of an order of which something was paid."""
        if not self.paid_minor:
            return "none"
        if self.status in REFUNDED_STATUSES:
            return "refunded" if self.approved or self.status != "canceled" else "voided"
        return "paid_out" if self.status == "delivered" else "none"


@dataclass(slots=True, frozen=True)
class Totals:
    """What the files say in all, for comparison with what the ledger says."""

    orders: int
    payments: int
    orders_without_payment: int
    captured_minor: int


def events(directory: Path) -> Iterator[Message]:
    """All events, orders by time of purchase, those of one order as they happened."""
    return events_of(read_orders(directory))


def events_of(orders: Iterable[Order], *, in_steps: bool = False) -> Iterator[Message]:
    producer = Producer(BOOK, "/olist/payments")
    for order in orders:
        yield from order_events(producer, order, in_steps=in_steps)


def totals(orders: Iterable[Order]) -> Totals:
    orders = list(orders)
    return Totals(
        len(orders),
        sum(len(order.payments) for order in orders),
        sum(not order.payments for order in orders),
        sum(order.paid_minor for order in orders),
    )


def order_events(producer: Producer, order: Order, *, in_steps: bool = False) -> Iterator[Message]:
    """The life of one order. Nothing is refunded or paid out that was not paid in."""
    shares = beneficiaries(order)
    paid = [payment for payment in order.payments if payment.amount_minor]
    for payment in order.payments:
        carried = shares if paid and payment is paid[-1] else []
        yield from _payment_events(producer, order, payment, carried)
    match order.fate:
        case "voided" if in_steps:
            yield _void(producer, order)
        case "refunded" if in_steps:
            yield from _refund_in_steps(producer, order, shares)
        case "voided" | "refunded":
            yield _refund(producer, order, shares)
        case "paid_out":
            for seller_id, gross_minor in order.gross_minor_by_seller.items():
                yield from _payout(producer, order, seller_id, net_minor(gross_minor), in_steps)


def beneficiaries(order: Order) -> list[dict[str, object]]:
    """Who gets what of the whole order; without item rows the amount paid goes to unallocated sales."""
    if not order.gross_minor_by_seller:
        return [{"account": UNALLOCATED, "amount_minor": str(order.paid_minor)}]
    return [
        {"account": seller_account(seller_id), "amount_minor": str(gross), "commission_bps": COMMISSION_BPS}
        for seller_id, gross in order.gross_minor_by_seller.items()
    ]


def net_minor(gross_minor: int) -> int:
    """What is a seller's once the platform has its commission, rounded down."""
    return gross_minor - gross_minor * COMMISSION_BPS // 10_000


def seller_account(seller_id: str) -> str:
    return f"wallet:seller:{seller_id}"


def _payment_events(
    producer: Producer, order: Order, payment: Payment, carried: list[dict[str, object]]
) -> Iterator[Message]:
    name = f"{order.order_id}-{payment.sequential}"
    data: dict[str, object] = {
        "amount_minor": str(payment.amount_minor), "currency": CURRENCY, "method": payment.method, "payment_id": name,
    }  # fmt: skip
    if payment.amount_minor:
        yield producer.event(
            "payment.authorized.v1", f"payment-authorization-{name}", order.order_id, order.purchased_at, data
        )
    if carried:
        data = {**data, "beneficiaries": carried}
    yield producer.event("payment.captured.v1", f"payment-capture-{name}", order.order_id, order.approved_at, data)


def _refund(producer: Producer, order: Order, shares: list[dict[str, object]]) -> Message:
    data = {
        "amount_minor": str(order.paid_minor), "beneficiaries": shares, "currency": CURRENCY,
        "payment_id": order.order_id, "refund_id": f"refund-{order.order_id}",
    }  # fmt: skip
    event_id = f"payment-refund-{order.order_id}"
    return producer.event("payment.refunded.v1", event_id, order.order_id, order.approved_at, data)


def _void(producer: Producer, order: Order) -> Message:
    data = {"payment_id": order.order_id, "reason": "canceled before it was approved"}
    return producer.event(
        "payment.voided.v1", f"payment-void-{order.order_id}", order.order_id, order.approved_at, data
    )


def _refund_in_steps(producer: Producer, order: Order, shares: list[dict[str, object]]) -> Iterator[Message]:
    refund_id = f"refund-{order.order_id}"
    named = {"payment_id": order.order_id, "refund_id": refund_id}
    amount = {"amount_minor": str(order.paid_minor), "currency": CURRENCY}
    steps: list[tuple[str, dict[str, object]]] = [
        ("requested", {**amount, **named}), ("approved", {**named}), ("processing", {**named}),
        ("completed", {**amount, "beneficiaries": shares, **named}),
    ]  # fmt: skip
    for step, data in steps:
        yield producer.event(f"refund.{step}.v1", f"{refund_id}-{step}", order.order_id, order.approved_at, data)


def _payout(producer: Producer, order: Order, seller_id: str, amount_minor: int, in_steps: bool) -> Iterator[Message]:
    payout_id = f"{order.order_id}-{seller_id}"
    data = {
        "account": seller_account(seller_id), "amount_minor": str(amount_minor), "currency": CURRENCY,
        "payout_id": payout_id,
    }  # fmt: skip
    if in_steps:
        event_id = f"payout-requested-{payout_id}"
        yield producer.event("payout.requested.v1", event_id, payout_id, order.delivered_at, data)
    yield producer.event("payout.paid.v1", f"payout-{payout_id}", payout_id, order.delivered_at, data)


# ---------------------------------------------------------------------------------------------------- reading the files
def read_orders(directory: Path) -> list[Order]:
    """Orders by time of purchase, then id. Raises `FileNotFoundError` that names the missing file."""
    orders = {row["order_id"]: _order(row) for row in _rows(directory, ORDERS_FILE)}
    for row in _rows(directory, PAYMENTS_FILE):
        amount_minor = cents(row["payment_value"])
        payment = Payment(int(row["payment_sequential"]), row["payment_type"], amount_minor)
        orders[row["order_id"]].payments.append(payment)
    for order_id, gross in _gross_by_order(directory).items():
        orders[order_id].gross_minor_by_seller = dict(sorted(gross.items()))
    for order in orders.values():
        order.payments.sort(key=lambda payment: payment.sequential)
    return sorted(orders.values(), key=lambda order: (order.purchased_at, order.order_id))


def _order(row: Mapping[str, str]) -> Order:
    purchased_at = _time(row["order_purchase_timestamp"])
    approved_at = _time(row["order_approved_at"]) or purchased_at
    delivered_at = _time(row["order_delivered_customer_date"]) or approved_at
    approved = bool(row["order_approved_at"])
    return Order(row["order_id"], row["order_status"], purchased_at, approved_at, delivered_at, approved)


def _gross_by_order(directory: Path) -> dict[str, dict[str, int]]:
    gross: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in _rows(directory, ITEMS_FILE):
        gross[row["order_id"]][row["seller_id"]] += cents(row["price"]) + cents(row["freight_value"])
    return gross


def cents(text: str) -> int:
    """`48.9` is 4890: by its digits, never through a float. Raises `ValueError` for anything finer than a cent."""
    whole, _, fraction = text.partition(".")
    if len(fraction) > 2 or not (whole + fraction).isdecimal():
        raise ValueError(f"not an amount in whole cents: {text!r}")
    return int(whole) * 100 + int(fraction.ljust(2, "0"))


def _time(text: str) -> str:
    return f"{text.replace(' ', 'T')}Z" if text else ""


def _rows(directory: Path, name: str) -> Iterator[dict[str, str]]:
    with _open(directory, name) as file:
        yield from csv.DictReader(file)


def _open(directory: Path, name: str) -> TextIO:
    plain, packed = directory / name, directory / f"{name}.xz"
    if plain.exists():
        return plain.open(encoding="utf-8", newline="")
    if packed.exists():
        return lzma.open(packed, "rt", encoding="utf-8", newline="")
    raise FileNotFoundError(f"neither {name} nor {name}.xz is in {directory}")
