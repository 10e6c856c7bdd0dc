"""The text of beancount: what is read, and every line that is not is a fault with its number."""

from datetime import date
from decimal import Decimal

import pytest

from consumers.imports.beancount_text import read_beancount_text
from consumers.imports.model import Amount, Assertion, ImportFaultsError, Journal, Posting, Transaction

OPENED = "2026-01-01 open Assets:Cash USD\n2026-01-01 open Assets:Shares\n2026-01-01 open Expenses:Fees\n"


def read(text: str) -> Journal:
    return read_beancount_text((OPENED + text).split("\n"))


def faults(text: str) -> list[int]:
    """Lines after the three that open accounts."""
    with pytest.raises(ImportFaultsError) as refused:
        read(text)
    assert all(fault.text for fault in refused.value.faults)
    return [fault.line - 3 for fault in refused.value.faults]


def usd(number: str) -> Amount:
    return Amount(Decimal(number), "USD")


def test_a_transaction_with_all_that_it_may_say() -> None:
    journal = read(
        """* Heading
option "title" "Mine; really"
2026-02-01 * "Broker \\"B\\"" "bought; sold" #trip ^link  ; a comment
  key: "value"
  ; a comment
  Assets:Shares        2 ACME {10.50 USD}
    lot: 7
  Assets:Shares       -1 ACME {10.50 USD} @ 12.00 USD
  Assets:Shares        3 GLD @@ 30.00 USD
  ! Assets:Cash   -1,050.00 USD
  Expenses:Fees
"""
    )
    assert journal.transactions == [
        Transaction(6, date(2026, 2, 1), 'Broker "B" | bought; sold', (
            Posting(9, "Assets:Shares", Amount(Decimal(2), "ACME"), usd("21.00")),
            Posting(11, "Assets:Shares", Amount(Decimal(-1), "ACME"), usd("-10.50")),
            Posting(12, "Assets:Shares", Amount(Decimal(3), "GLD"), usd("30.00")),
            Posting(13, "Assets:Cash", usd("-1050.00")),
            Posting(14, "Expenses:Fees", None),
        )),
    ]  # fmt: skip
    assert journal.account_types == {"Assets:Cash": "asset", "Assets:Shares": "asset", "Expenses:Fees": "expense"}


def test_directives_that_say_nothing_of_balances_are_counted() -> None:
    journal = read(
        '2026-01-01 commodity USD\n  name: "Dollar"\n2026-01-02 price ACME 10.00 USD\n'
        '2026-01-03 event "location" "Paris"\n'
        '2026-01-04 query "taxes" "\n  SELECT account; FROM x\n"\n2026-01-05 note Assets:Cash "called"\n'
        'option "operating_currency" "USD"\n'
    )
    read_over = {"open": 3, "commodity": 1, "price": 1, "event": 1, "query": 1, "note": 1, "option": 1}
    assert journal.read_over == read_over
    assert journal.transactions == []


def test_minor_digits_are_those_of_the_commodity_that_they_stand_below() -> None:
    journal = read('2026-01-01 commodity USD\n  minor_digits: "2"\n\n2026-01-01 open Assets:X\n  minor_digits: "3"\n')
    assert journal.minor_digits == {"USD": 2}


def test_assertions_are_kept() -> None:
    assertions = read("2026-03-01 balance Assets:Cash  -10.00 USD\n").assertions
    assert assertions == [Assertion(4, date(2026, 3, 1), "Assets:Cash", usd("-10.00"))]


@pytest.mark.parametrize(
    "line",
    [
        'include "other.beancount"', 'plugin "x"', "pushtag #x", 'option "name_assets" "Aktiva"',
        'option "booking_method" "FIFO"', "2026-01-01 pad Assets:Cash Expenses:Fees", '2026-01-01 custom "x"',
        "2026-01-01 balance Assets:Cash 10.00 ~ 0.1 USD", "2026-01-01 open Aktiva:Bank", "2026-01-01 open Assets:Cash",
        '2026-01-01 open Assets:New USD "FIFO"', "2026-01-01 close Assets:Never", "2026-13-01 open Assets:X",
        "2026-01-01 price ACME 10", "2026-01-01 document Assets:Cash \"x\"", "nonsense",
    ],
)  # fmt: skip
def test_a_line_that_is_not_supported_is_a_fault_with_its_number(line: str) -> None:
    assert faults(f"; first\n{line}\n") == [2]


@pytest.mark.parametrize(
    "posting",
    [
        "Assets:Shares 1 ACME {}", "Assets:Shares 1 ACME {{10 USD}}", "Assets:Shares 1 ACME {10 USD, 2026-01-01}",
        "Assets:Shares 1 ACME {10 # 2 USD}", "Assets:Shares 2*3 ACME", "Assets:Cash 10.00", "Assets:Cash USD",
        "Assets:Cash 1 USD @ ", "assets:cash 1 USD", "Assets:Shares @ 1 USD", "Assets:Cash 1,2 USD",
        "Assets:Cash 1 EUR", "Assets:Nowhere 1 USD",
    ],
)  # fmt: skip
def test_a_posting_that_is_not_understood_is_a_fault_with_its_number(posting: str) -> None:
    assert faults(f'2026-02-01 * "x"\n  {posting}\n  Expenses:Fees\n') == [2]


def test_an_account_takes_postings_between_its_opening_and_its_close() -> None:
    close = "2026-02-01 close Assets:Cash\n"
    text = '{} * "x"\n  Assets:Cash 1 USD\n  Expenses:Fees\n'
    for day in ("2026-01-01", "2026-02-01"):
        assert read(close + text.format(day)).transactions
    for day in ("2025-12-31", "2026-02-02"):
        assert 3 in faults(close + text.format(day))
