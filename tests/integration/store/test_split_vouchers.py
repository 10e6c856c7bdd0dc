"""Splits by ratio from the bytes of an event to its entries, and back."""

import pytest

from deploy.demo.messages import Message
from tests.support.postings import Scene, event, outcomes, void_requested

pytestmark = pytest.mark.postgres

Asked = dict[str, object]


def split(amount: int, *ratios: int, **members: str) -> Asked:
    """Among sellers 1, 2, 3 …"""
    among = [{"account": f"wallet:seller:{n}", "ratio": ratio} for n, ratio in enumerate(ratios, start=1)]
    return {"amount_minor": str(amount), "currency": "EUR", "side": "credit", "among": among, **members}


def voucher(name: str, *splits: Asked, debit: int) -> Message:
    lines = [{"account": "control:CASH", "side": "debit", "amount_minor": str(debit), "currency": "EUR"}]
    data = {"kind": "payout", "lines": lines, "splits": list(splits)}
    return event("voucher.requested.v1", name, name, data)


def entries(scene: Scene) -> list[tuple[str, int]]:
    return scene.rows(
        """SELECT account.code, amount_minor FROM ledger.entry JOIN ledger.account USING (book_id, account_id)
        WHERE side = 'C' ORDER BY position, line"""
    )


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        (split(10_000, 1, 1, 1, remainder_to="wallet:seller:1"), [3_334, 3_333, 3_333]),
        (split(10_000, 1, 1, 1, remainder_to="wallet:seller:9"), [3_333, 3_333, 3_333, 1]),
        (split(101, 1, 1, 1), [34, 34, 33]),
        (split(100, 1, 999_999_999), [100]),
        (split(10**18 - 1, 7, 2, 1), [7 * 10**17 - 1, 2 * 10**17, 10**17]),
    ],
    ids=["remainder to one of them", "to another", "largest remainder", "a part of nothing", "the largest amount"],
)
def test_a_split_posts_a_line_for_each_party_that_gets_something(asked: Asked, parts: list[int], scene: Scene) -> None:
    total = int(str(asked["amount_minor"]))
    assert outcomes(scene.post(voucher("v", asked, debit=total))) == ["POSTED"]
    assert [amount for _, amount in entries(scene)] == parts
    assert outcomes(scene.post(void_requested("v", voucher_no=1))) == ["POSTED"]
    assert scene.balance_minor("cash:bank:EUR") == 0


def test_what_splits_make_is_refused_as_lines_are(scene: Scene) -> None:
    twice = split(2, 1)
    twice["among"] = [{"account": "wallet:seller:1", "ratio": 1}] * 2
    long = split(999, *[1] * 999)
    asked = [
        voucher("unbalanced", split(100, 1, 1), debit=99),
        voucher("twice", twice, debit=2),
        voucher("no weight", split(1, 0), debit=1),
        voucher("dollars of no country", {**split(1, 1), "currency": "ZZZ"}, debit=1),
        voucher("the longest", long, debit=999),
        voucher("too long", split(1_000, *[1] * 1_000), debit=1_000),
    ]
    assert outcomes(scene.post(*asked)) == [
        "VOUCHER_UNBALANCED", "DATA_INVALID", "DATA_INVALID", "CURRENCY_UNKNOWN", "POSTED", "DATA_INVALID",
    ]  # fmt: skip
    assert len(entries(scene)) == 999
