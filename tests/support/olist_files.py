"""Files in the shape of the public Olist ones, of our own making, with differences that are known in advance."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from deploy.demo.olist import ITEMS_FILE, ORDERS_FILE, PAYMENTS_FILE, REFUNDED_STATUSES

STATUSES = ("delivered",) * 5 + ("shipped", "canceled", "unavailable")
METHODS = ("credit_card", "boleto", "voucher", "debit_card")
Row = tuple[object, ...]


@dataclass(slots=True)
class OlistFiles:
    """Rows of the three files, and what was planted in them."""

    orders: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    items: list[Row] = field(default_factory=list)
    differing: dict[str, int] = field(default_factory=dict)
    """Cents by which an order was paid more than its items cost."""
    captured_minor: int = 0
    matching: str = ""
    """An order whose payments are its items to the cent."""

    def write(self, folder: Path) -> Path:
        folder.mkdir()
        for name, header, rows in (
            (ORDERS_FILE, ORDERS_HEADER, self.orders),
            (PAYMENTS_FILE, PAYMENTS_HEADER, self.payments),
            (ITEMS_FILE, ITEMS_HEADER, self.items),
        ):
            with (folder / name).open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([header, *rows])
        return folder

    def add_a_cent_to_an_item(self, order_id: str) -> None:
        """One price of the order grows by 0.01."""
        place = next(place for place, row in enumerate(self.items) if row[0] == order_id)
        row = list(self.items[place])
        row[5] = reals(cents_of(str(row[5])) + 1)
        self.items[place] = tuple(row)


ORDERS_HEADER = ("order_id", "order_status", "order_purchase_timestamp", "order_approved_at",
                 "order_delivered_customer_date")  # fmt: skip
PAYMENTS_HEADER = ("order_id", "payment_sequential", "payment_type", "payment_installments", "payment_value")
ITEMS_HEADER = ("order_id", "order_item_id", "product_id", "seller_id", "shipping_limit_date", "price",
                "freight_value")  # fmt: skip


def reals(amount_minor: int) -> str:
    """As the files write an amount: `48.9`, not `48.90`."""
    whole, cents = divmod(amount_minor, 100)
    return f"{whole}.{cents:02}".rstrip("0") if cents else f"{whole}.0"


def cents_of(text: str) -> int:
    whole, _, cents = text.partition(".")
    return int(whole) * 100 + int(cents.ljust(2, "0"))


def generate(seed: int, orders: int, *, differing: int, zero_payments: int) -> OlistFiles:
    """Every order but the last has payments; every tenth has no items, as in the files that were published."""
    random, files = Random(seed), OlistFiles()
    for number in range(orders):
        order_id = f"{random.getrandbits(128):032x}"
        purchased = f"2018-{number % 12 + 1:02}-11 08:46:{number % 60:02}"
        status = random.choice(STATUSES)
        files.orders.append((order_id, status, purchased, purchased, purchased if status == "delivered" else ""))
        gross = 0 if number % 10 == 9 else _items(files, random, order_id)
        if number == orders - 1:
            break
        paid = gross or random.randrange(500, 50_000)
        if gross and len(files.differing) < differing:
            difference = random.choice((-7, -1, 1, 12, 250))
            if status not in REFUNDED_STATUSES:  # a refund in full leaves nothing in suspense
                files.differing[order_id] = difference
            paid += difference
        elif gross and status not in REFUNDED_STATUSES:
            files.matching = order_id
        _payments(files, random, order_id, paid, also_zero=number < zero_payments)
    random.shuffle(files.payments)
    return files


def _items(files: OlistFiles, random: Random, order_id: str) -> int:
    gross = 0
    for item in range(random.randrange(1, 4)):
        price, freight = random.randrange(500, 90_000), random.randrange(0, 3_000)
        seller = f"seller{random.randrange(12)}"
        files.items.append((order_id, item + 1, "product", seller, "", reals(price), reals(freight)))
        gross += price + freight
    return gross


def _payments(files: OlistFiles, random: Random, order_id: str, paid: int, *, also_zero: bool) -> None:
    parts: Sequence[int] = [paid]
    if random.random() < 0.2:
        first = random.randrange(1, paid)
        parts = [first, paid - first]
    for sequential, part in enumerate([*parts, *([0] if also_zero else [])], start=1):
        files.payments.append((order_id, sequential, random.choice(METHODS), 1, reals(part)))
    files.captured_minor += paid
