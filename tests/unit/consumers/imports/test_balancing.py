"""Amounts left out are inferred, and what does not balance is a fault, by the rules of each program."""

import pytest

from consumers.imports.balancing import balanced
from consumers.imports.journals import FORMATS
from consumers.imports.ledger_text import Dialect, read_ledger_text
from consumers.imports.model import ImportFaultsError, Transaction

ACCOUNTS = "".join(f"2026-01-01 open Assets:{name}\n" for name in "ABCD")


def balance(name: str, *postings: str) -> list[str]:
    """Amounts of a transaction of these postings after balancing."""
    known = FORMATS[name]
    if name == "beancount":
        text = ACCOUNTS + '2026-01-01 * "x"\n' + "".join(f"  Assets:{posting}\n" for posting in postings)
    else:
        text = "2026-01-01 x\n" + "".join(f"  {posting}\n" for posting in postings)
    journal = known.read(text.split("\n"))
    (transaction,) = balanced(journal, known.tolerance, implied_exchange=known.implied_exchange)
    return shown(transaction)


def shown(transaction: Transaction) -> list[str]:
    return [
        f"{posting.account[-1]} {posting.amount.number} {posting.amount.commodity}"
        for posting in transaction.postings
        if posting.amount is not None
    ]


@pytest.mark.parametrize(
    ("name", "postings", "amounts"),
    [
        ("hledger", ("A  1 X", "B"), ["A 1 X", "B -1 X"]),
        ("hledger", ("A  1 X", "B  2 Y", "C"), ["A 1 X", "B 2 Y", "C -1 X", "C -2 Y"]),
        ("hledger", ("A  2 X @ 3.5 Y", "B"), ["A 2 X", "B -7.0 Y"]),
        ("hledger", ("A  1 X", "B  -1 X", "C"), ["A 1 X", "B -1 X"]),
        ("ledger", ("(A)  5 X", "B  1 X", "C"), ["A 5 X", "B 1 X", "C -1 X"]),
        ("beancount", ("A 2 X {3.5 Y}", "B"), ["A 2 X", "B -7.0 Y"]),
        ("beancount", ("A -2 X {3 Y} @ 9 Y", "B"), ["A -2 X", "B 6 Y"]),
    ],
)
def test_an_amount_left_out_is_what_the_others_weigh(name: str, postings: tuple[str, ...], amounts: list[str]) -> None:
    assert balance(name, *postings) == amounts


@pytest.mark.parametrize(
    ("name", "postings", "holds"),
    [
        ("hledger", ("A  1.00 X", "B  -1.00 X"), True),
        ("hledger", ("A  1.00 X", "B  -1.01 X"), False),
        ("hledger", ("A  1 X @ 0.333 Y", "B  -0.33 Y"), True),
        ("hledger", ("A  1 X @ 0.333 Y", "B  -0.330 Y"), False),
        ("hledger", ("A  1 X", "B  -2 Y"), True),
        ("hledger", ("A  1 X", "B  2 Y"), False),
        ("hledger", ("A  1 X", "B  -2 Y", "C  1 Z"), False),
        ("hledger", ("(A)  1 X", "B  1 X"), False),
        ("ledger", ("A  866.231000 G", "B  $-17,783.72"), True),
        ("beancount", ("A 1 X", "B -2 Y"), False),
        ("beancount", ("A 1.234 X {152.31 Y}", "B -187.95 Y"), True),
        ("beancount", ("A 1.234 X {152.31 Y}", "B -187.90 Y"), False),
        ("beancount", ("A 1 X", "B -1.005 X", "C 0.00 X"), True),
        ("beancount", ("A 1 X", "B -1.006 X", "C 0.00 X"), False),
        ("hledger", ("A  1 X", "B", "C"), False),
        ("hledger", ("A  1 X", "(B)", "C  -1 X"), False),
    ],
)
def test_what_is_out_by_more_than_its_program_bears_is_refused(
    name: str, postings: tuple[str, ...], holds: bool
) -> None:
    if holds:
        assert balance(name, *postings)
        return
    with pytest.raises(ImportFaultsError) as refused:
        balance(name, *postings)
    assert refused.value.code == "IMPORT_UNBALANCED"
    assert refused.value.faults[0].line >= 1


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        ("2026-01-02 balance Assets:A 1.00 USD", True),
        ("2026-01-01 balance Assets:A 0 USD", True),
        ("2026-01-03 balance Assets:A 3.00 USD", True),
        ("2026-01-03 balance Assets:A 3.02 USD", False),
        ("2026-01-03 balance Assets:A 0 EUR", True),
        ("2026-01-03 balance Assets:A:Sub 2.00 USD", True),
    ],
)
def test_assertions_hold_at_the_beginning_of_their_day_with_what_is_below(assertion: str, holds: bool) -> None:
    text = (
        "2026-01-01 open Assets:A\n2026-01-01 open Assets:A:Sub\n2026-01-01 open Assets:B\n"
        '2026-01-02 * "later in the file, earlier in time"\n  Assets:A:Sub 2.00 USD\n  Assets:B\n'
        f'2026-01-01 * "x"\n  Assets:A 1.00 USD\n  Assets:B\n{assertion}\n'
    )
    known = FORMATS["beancount"]
    journal = known.read(text.split("\n"))
    if holds:
        assert len(balanced(journal, known.tolerance, implied_exchange=False)) == 2
        return
    with pytest.raises(ImportFaultsError, match=r"line 10: Assets:A holds 3\.00 USD"):
        balanced(journal, known.tolerance, implied_exchange=False)


def test_every_transaction_that_is_out_is_named() -> None:
    lines = ["2026-01-01 x", " A  1", " B  1", "2026-01-02 y", " A  2", " B  2"]
    journal = read_ledger_text(lines, Dialect.HLEDGER)
    with pytest.raises(ImportFaultsError) as refused:
        balanced(journal, FORMATS["hledger"].tolerance, implied_exchange=True)
    assert [(fault.line, fault.text) for fault in refused.value.faults] == [
        (1, "the transaction is out by 2"),
        (4, "the transaction is out by 4"),
    ]


@pytest.mark.parametrize(
    ("holds", "right"),
    [
        ("= 3 X", True), ("= 3.00 X", True), ("= 4 X", False), ("= 0 Y", True), ("= 3", False), ("= -3 X", False),
        ("== 3 X", False), ("== 0 Z", False), ("=* 8 X", True), ("=* 3 X", False), ("==* 8 X", False), ("==* 0", False),
    ],
)  # fmt: skip
def test_what_an_account_holds_after_a_posting_goes_by_days_with_virtual_postings_without_accounts_below(
    holds: str, right: bool
) -> None:
    text = (
        f"2026-01-05 later\n  A  1 X {holds}\n  B\n"
        "2026-01-01 x\n  A  1 X = 1 X\n  (A)  1 X = 2 X\n  A:below  5 X\n  A  1 Z\n  B\n"
        "2026-01-06 after\n  A  9 X = 12 X\n  B\n"
    )
    known = FORMATS["hledger"]
    journal = known.read(text.split("\n"))
    if right:
        assert len(balanced(journal, known.tolerance, implied_exchange=True)) == 3
        return
    with pytest.raises(ImportFaultsError, match="line 2: A holds") as refused:
        balanced(journal, known.tolerance, implied_exchange=True)
    assert refused.value.code == "IMPORT_UNBALANCED"
