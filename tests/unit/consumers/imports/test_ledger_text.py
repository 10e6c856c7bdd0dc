"""The text of hledger and ledger: what is read, and every line that is not is a fault with its number."""

from datetime import date
from decimal import Decimal

import pytest

from consumers.imports.ledger_text import Dialect, read_ledger_text
from consumers.imports.model import Amount, Holding, ImportFaultsError, Journal, Posting, Transaction


def read(text: str, dialect: Dialect = Dialect.HLEDGER) -> Journal:
    return read_ledger_text(text.split("\n"), dialect)


def faults(text: str, dialect: Dialect = Dialect.HLEDGER) -> list[int]:
    with pytest.raises(ImportFaultsError) as refused:
        read(text, dialect)
    assert all(fault.text for fault in refused.value.faults)
    return [fault.line for fault in refused.value.faults]


def test_a_transaction_with_all_that_it_may_say() -> None:
    journal = read(
        """; a comment
* a heading
2026/1/5 * (42) Corner shop  ; a comment
  ; another one
    Assets:Cash in hand     $-5.00  ; and one more
  ! Expenses:Food
    (Budget:Food)           $-5.00
\tAssets:Shares\t2 ACME @ $3.00
    Assets:Shares           -2 ACME @@ $6.10
"""
    )
    six, minus = Amount(Decimal("6.00"), "$"), Amount(Decimal("-6.10"), "$")
    assert journal.transactions == [
        Transaction(3, date(2026, 1, 5), "Corner shop", (
            Posting(5, "Assets:Cash in hand", Amount(Decimal("-5.00"), "$")),
            Posting(6, "Expenses:Food", None),
            Posting(7, "Budget:Food", Amount(Decimal("-5.00"), "$"), virtual=True),
            Posting(8, "Assets:Shares", Amount(Decimal(2), "ACME"), six),
            Posting(9, "Assets:Shares", Amount(Decimal(-2), "ACME"), minus),
        ), "42"),
    ]  # fmt: skip


def test_transactions_end_where_the_indentation_does() -> None:
    journal = read("2026-01-01 a\n A  1\n B\n2026-01-02 b\n A  1\n B\n")
    assert [(one.description, len(one.postings)) for one in journal.transactions] == [("a", 2), ("b", 2)]


def test_directives_that_say_nothing_of_balances_are_counted_and_types_are_kept() -> None:
    journal = read(
        "account Assets\naccount Equity:Conversion  ; type:Conversion\naccount Wallet  ; note, type: A\n"
        "P 2026-01-01 A 1.07 B\ncomment\n2026-99-99 nonsense\nend comment\n2026-01-01 x\n A  1\n B\n"
    )
    assert journal.account_types == {"Equity:Conversion": "equity", "Wallet": "asset"}
    assert journal.read_over == {"account": 3, "P": 1}
    assert len(journal.transactions) == 1


def test_a_comma_is_between_groups_where_the_file_says_that_a_point_is_before_decimals() -> None:
    text = "2026-01-01 x\n A  1,234 EUR\n B\n"
    assert faults(text) == [2]
    pointed = ("commodity 1,000.00 EUR", "commodity EUR\n  format 1000. EUR", "decimal-mark .")
    for declared in pointed:
        (transaction,) = read(f"{declared}\n{text}").transactions
        assert transaction.postings[0].amount == Amount(Decimal(1234), "EUR")
    assert faults(f"commodity 1.00 USD\n{text}") == [3]
    assert faults(f"commodity EUR\n{text}") == [3]


def test_notes_below_a_declaration_are_for_people_but_for_those_of_our_own_exports() -> None:
    journal = read(
        "commodity $\n  note dollars\n  nomarket\ncommodity 1000. BRL  ; minor digits: 2\n"
        'commodity "GOLD 1"\n    note minor digits: 3\naccount Till\n  note the drawer\n    note type: liability\n',
        Dialect.LEDGER,
    )
    assert journal.minor_digits == {"BRL": 2, "GOLD 1": 3}
    assert journal.account_types == {"Till": "liability"}
    assert journal.read_over == {"commodity": 3, "account": 1}


def test_a_comment_block_may_last_to_the_end_of_the_file() -> None:
    assert read("2026-01-01 x\n A  1\n B\ncomment\nanything at all\n").transactions[0].line == 1


@pytest.mark.parametrize(
    "line",
    [
        "include other.journal", "alias a=b", "commodity 1.000,00 EUR", "commodity 1,000 EUR", "commodity",
        "commodity 1.0",
        "commodity EUR USD", "decimal-mark", "commodity USD\n  format 1.000,00 USD", "commodity USD\n  format 1.00 EUR",
        "commodity USD\n  alias $", "commodity USD\n  default", "account A\n  alias b", "account A\n  note type: Q",
        "D $1,000.00", "Y 2025", "year 2025",
        "apply account Assets", "= Expenses", "~ monthly", "decimal-mark ,", "bucket Assets", "!include x",
        "2026-13-01 x", "01-05 no year", "2026-01/05 mixed", "2026-01-05=2026-01-06 two dates", "account",
        "account A ; one space", "account A  ; type:Q", "default commodity", "assert 1 == 2", "| not in hledger",
        "% not in hledger",
    ],
)  # fmt: skip
def test_a_line_that_is_not_supported_is_a_fault_with_its_number(line: str) -> None:
    at = 2 + line.count("\n")
    assert faults(f"; first\n{line}\n") == [at] or faults(f"; first\n{line}\n A  1\n B\n") == [at]


@pytest.mark.parametrize(
    "posting",
    [
        "A  1 === 1", "A  1 =** 1", "A  1 = 1 @ 2 X", "A  1 = x y", "A  1 =", "A  = 5",
        "A  ==* 0", "A  1 {2 B}", "A  1 [2026-01-01]", "A  1 ((x))", "[A]  1", "[A]", "A  1,234",
        "A  x y", "A  1 B @ -2 C", "A  1 @", "A  1 @@@ 2", "A  1 B @ 2 C @ 3 D", "(A  1",
    ],
)  # fmt: skip
def test_a_posting_that_is_not_understood_is_a_fault_with_its_number(posting: str) -> None:
    assert faults(f"2026-01-01 x\n B  -1\n {posting}\n") == [3]


def test_every_fault_is_found_not_the_first_alone() -> None:
    assert faults("include a\n2026-01-01 x\n A  1 === 1\n B\n\nalias a=b\n  sub\n2026-01-02 y\n") == [1, 3, 6, 7, 8]


@pytest.mark.parametrize("text", ["  A  1\n", "account A\n  alias b\n", "2026-01-01 no postings\n"])
def test_what_belongs_to_nothing_is_a_fault(text: str) -> None:
    assert len(faults(text)) == 1


def test_what_an_account_holds_after_a_posting_is_kept_for_hledger_and_refused_for_ledger() -> None:
    seven = Amount(Decimal(7), "EUR")
    for sign, holding in (
        ("=", Holding(seven)),
        ("==", Holding(seven, alone=True)),
        ("=*", Holding(seven, below=True)),
        ("==*", Holding(seven, below=True, alone=True)),
    ):
        text = f"2026-01-01 x\n A  1 EUR @ 2 USD {sign} 7 EUR\n B\n"
        (transaction,) = read(text).transactions
        assert [posting.holds for posting in transaction.postings] == [holding, None]
        assert faults(text, Dialect.LEDGER) == [2]


def test_dialects_differ_in_commas_and_comments() -> None:
    assert read("| a comment\n2026/01/01 x\n A  1,234 B\n C\n", Dialect.LEDGER).transactions[0].postings[
        0
    ].amount == Amount(Decimal(1234), "B")
