"""Rows of a Czech bank, 1993 and 1994, with the balance that the bank stated after each (Berka, PKDD'99)."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from deploy.demo.messages import Message, Producer

FILE = Path(__file__).parents[3] / "shared" / "data" / "berka_trans_1993-01_1994-03_ordered.csv.gz"
needs_berka = pytest.mark.skipif(not FILE.exists(), reason=f"BERKA NOT TESTED: {FILE} is not there")

BOOK = "bank"
SOURCE = "/bank/core"
CASH = "cash:bank:CZK"
CHART: dict[str, object] = {
    "controls": [{"role": "CASH", "code": "cash:bank:{currency}", "type": "asset"}],
    "templates": [{"pattern": "deposit:*", "type": "liability"}],
    "sources": [{"source": SOURCE, "types": ["voucher.requested.*"]}],
}


@dataclass(frozen=True, slots=True)
class Row:
    """One movement of an account, money in above zero, and what the bank says. Minor units of CZK."""

    number: str
    account: str
    day: str
    amount_minor: int
    stated_minor: int
    residual_minor: int
    """What the bank's own balance is off by from this row on: its roundings."""

    @property
    def code(self) -> str:
        return f"deposit:{self.account}"

    def request(self) -> Message:
        """The voucher: the bank owes its customer what it holds in cash."""
        into = self.amount_minor > 0
        amount = {"amount_minor": str(abs(self.amount_minor)), "currency": "CZK"}
        data = {
            "kind": "cash_receipt" if into else "cash_refund",
            "lines": [
                {"account": "control:CASH", "side": "debit" if into else "credit", **amount},
                {"account": self.code, "side": "credit" if into else "debit", **amount},
            ],
        }
        producer = Producer(BOOK, SOURCE)
        return producer.event(
            "voucher.requested.v1", f"trans-{self.number}", f"trans-{self.number}", f"{self.day}T12:00:00Z", data
        )


def rows() -> Iterator[Row]:
    """Every row, in the order of the bank."""
    with gzip.open(FILE, "rt", newline="") as file:
        for row in csv.DictReader(file):
            yield Row(
                row["trans_id"], row["account_id"], row["date"], _minor(row["signed_amount"]),
                _minor(row["stated_balance_after"]), _minor(row["residual"]),
            )  # fmt: skip


def _minor(text: str) -> int:
    return int(Decimal(text).scaleb(2).to_integral_exact())
