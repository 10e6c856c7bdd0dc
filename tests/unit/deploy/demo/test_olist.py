"""Olist orders as events: the mapping on a small sample of our own, and the whole files where they are."""

import json
from collections import Counter
from pathlib import Path

import pytest

from deploy.demo.messages import Message
from deploy.demo.olist import ITEMS_FILE, ORDERS_FILE, PAYMENTS_FILE, cents, events, events_of, read_orders, totals

DATA = Path(__file__).parents[5] / "shared" / "data"

ORDERS = """\
order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,\
order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date
late,c,canceled,2017-02-01 10:00:00,2017-02-01 11:00:00,,,2017-03-01 00:00:00
two,c,delivered,2017-01-01 10:00:00,2017-01-01 11:00:00,,2017-01-09 12:00:00,2017-02-01 00:00:00
bare,c,shipped,2017-01-02 10:00:00,,,,2017-02-01 00:00:00
free,c,delivered,2017-01-03 10:00:00,,,2017-01-08 12:00:00,2017-02-01 00:00:00
none,c,delivered,2017-01-04 10:00:00,,,2017-01-08 12:00:00,2017-02-01 00:00:00
"""
PAYMENTS = """order_id,payment_sequential,payment_type,payment_installments,payment_value
two,3,voucher,1,0.00
two,2,credit_card,1,60.05
two,1,voucher,1,40.00
bare,2,voucher,1,1.5
bare,1,credit_card,1,10
late,1,boleto,1,20.00
free,1,not_defined,1,0.00
"""
ITEMS = """order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
two,1,p,s2,2017-01-05 00:00:00,48.9,1.1
two,2,p,s1,2017-01-05 00:00:00,20.00,10.05
two,3,p,s1,2017-01-05 00:00:00,20,0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in ((ORDERS_FILE, ORDERS), (PAYMENTS_FILE, PAYMENTS), (ITEMS_FILE, ITEMS)):
        (tmp_path / name).write_text(text)
    return tmp_path


def short(message: Message) -> tuple[str, str, str, str, object]:
    headers = {name: value.decode() for name, value in message.headers}
    data = json.loads(message.value)
    shares = [(share["account"], share["amount_minor"]) for share in data.get("beneficiaries", [])]
    return headers["ce_id"], message.key.decode(), headers["ce_time"], data["amount_minor"], shares


def test_orders_become_their_life_cycles_in_order_of_purchase(folder: Path) -> None:
    sellers = [("wallet:seller:s1", "5005"), ("wallet:seller:s2", "5000")]
    bought, approved = "2017-01-01T10:00:00Z", "2017-01-01T11:00:00Z"
    assert [short(message) for message in events(folder)] == [
        ("payment-authorization-two-1", "two", bought, "4000", []),
        ("payment-capture-two-1", "two", approved, "4000", []),
        ("payment-authorization-two-2", "two", bought, "6005", []),
        ("payment-capture-two-2", "two", approved, "6005", sellers),
        ("payment-capture-two-3", "two", approved, "0", []),
        ("payout-two-s1", "two-s1", "2017-01-09T12:00:00Z", "4505", []),
        ("payout-two-s2", "two-s2", "2017-01-09T12:00:00Z", "4500", []),
        ("payment-authorization-bare-1", "bare", "2017-01-02T10:00:00Z", "1000", []),
        ("payment-capture-bare-1", "bare", "2017-01-02T10:00:00Z", "1000", []),
        ("payment-authorization-bare-2", "bare", "2017-01-02T10:00:00Z", "150", []),
        ("payment-capture-bare-2", "bare", "2017-01-02T10:00:00Z", "150", [("control:UNALLOCATED_SALES", "1150")]),
        ("payment-capture-free-1", "free", "2017-01-03T10:00:00Z", "0", []),
        ("payment-authorization-late-1", "late", "2017-02-01T10:00:00Z", "2000", []),
        ("payment-capture-late-1", "late", "2017-02-01T11:00:00Z", "2000", [("control:UNALLOCATED_SALES", "2000")]),
        ("payment-refund-late", "late", "2017-02-01T11:00:00Z", "2000", [("control:UNALLOCATED_SALES", "2000")]),
    ]


def test_in_steps_refunds_are_requested_first_and_what_nobody_approved_is_voided(folder: Path) -> None:
    never = "never,c,canceled,2017-03-01 10:00:00,,,,2017-04-01 00:00:00\n"
    (folder / ORDERS_FILE).write_text(ORDERS + never)
    (folder / PAYMENTS_FILE).write_text(PAYMENTS + "never,1,boleto,1,7.00\n")
    orders = read_orders(folder)
    told = [(json.loads(m.value), dict(m.headers)) for m in events_of(orders, in_steps=True)]
    kinds = [(headers["ce_subject"].decode(), headers["ce_type"].decode()) for _, headers in told]
    assert kinds[5:9] == [
        ("two-s1", "payout.requested.v1"), ("two-s1", "payout.paid.v1"),
        ("two-s2", "payout.requested.v1"), ("two-s2", "payout.paid.v1"),
    ]  # fmt: skip
    assert [kind for key, kind in kinds if key == "late"][2:] == [
        "refund.requested.v1", "refund.approved.v1", "refund.processing.v1", "refund.completed.v1",
    ]  # fmt: skip
    assert kinds[-1] == ("never", "payment.voided.v1")
    assert [order.fate for order in orders] == ["paid_out", "none", "none", "none", "refunded", "voided"]
    in_one = {dict(m.headers)["ce_type"].decode() for m in events_of(orders)}
    assert in_one == {"payment.authorized.v1", "payment.captured.v1", "payment.refunded.v1", "payout.paid.v1"}


def test_order_without_payment_is_counted(folder: Path) -> None:
    counted = totals(read_orders(folder))
    assert (counted.orders, counted.payments, counted.orders_without_payment) == (5, 7, 1)
    assert counted.captured_minor == 13_155


def test_missing_file_is_named(folder: Path) -> None:
    (folder / ITEMS_FILE).unlink()
    with pytest.raises(FileNotFoundError, match=ITEMS_FILE):
        read_orders(folder)


@pytest.mark.parametrize(
    ("text", "amount"), [("48.9", 4890), ("0.00", 0), ("13", 1300), ("0.07", 7), ("13664.08", 1366408)]
)
def test_cents_are_read_by_their_digits(text: str, amount: int) -> None:
    assert cents(text) == amount


@pytest.mark.parametrize("text", ["", "1.234", "-1.00", "1e3", "1,00", "NaN"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        cents(text)


@pytest.mark.slow
def test_whole_files_have_the_known_totals() -> None:
    if not (DATA / f"{ORDERS_FILE}.xz").exists():
        pytest.skip(f"the Olist files are not in {DATA}")
    orders = read_orders(DATA)
    counted = totals(orders)
    assert (counted.orders, counted.payments, counted.orders_without_payment) == (99_441, 103_886, 1)
    assert counted.captured_minor == 1_600_887_212
    differences = [
        order.paid_minor - sum(order.gross_minor_by_seller.values()) for order in orders if order.gross_minor_by_seller
    ]
    assert (sum(1 for difference in differences if difference), sum(differences)) == (86, 20_908)
    kinds = Counter(dict(message.headers)["ce_type"].decode() for message in events_of(orders))
    assert kinds["payment.captured.v1"] == 103_886
    assert kinds["payment.authorized.v1"] == 103_886 - 9
    assert kinds["payment.refunded.v1"] == 1_231
