"""What journals declare of their commodities: how their numbers are written, and in which unit.

`ledgerctl export` writes integers of minor units, and beside each commodity how many digits these are: such a journal
is read back as what it was made of.
"""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Final

from consumers.imports.amounts import AmountError, amount_of, symbol_of
from consumers.imports.model import EXACT, Amount, Assertion, Journal, Posting, Transaction

_MINOR_DIGITS: Final = re.compile(r"\s*minor digits:\s*([0-9])\s*")


def sample_of(text: str, *, lone_comma_groups: bool) -> tuple[str, bool]:
    """The commodity of a declaration such as `$1,000.00` or `USD`; and whether it says that a point is before decimals.

    Raises `AmountError`, also for numbers with a comma before decimals.
    """
    if (symbol := symbol_of(text)) is not None:
        return symbol, False
    sample = amount_of(text, lone_comma_groups=lone_comma_groups)
    if not sample.commodity:
        raise AmountError(f"{text!r:.40} declares no commodity")
    return sample.commodity, "." in text.replace(f'"{sample.commodity}"', "")


def minor_digits_of(note: str) -> int | None:
    """The digits that a note such as `minor digits: 2` says; None for any other."""
    match = _MINOR_DIGITS.fullmatch(note)
    return int(match[1]) if match else None


def in_whole_units(journal: Journal) -> Journal:
    """The same journal, amounts that are counted in minor units moved to whole ones."""
    digits = journal.minor_digits
    if not any(digits.values()):
        return journal

    def moved(amount: Amount) -> Amount:
        by = digits.get(amount.commodity, 0)
        return Amount(_moved(amount.number, by), amount.commodity) if by else amount

    def posting(one: Posting) -> Posting:
        holds = one.holds and replace(one.holds, amount=moved(one.holds.amount))
        amount, weight = (each and moved(each) for each in (one.amount, one.weight))
        return replace(one, amount=amount, weight=weight, holds=holds)

    def transaction(one: Transaction) -> Transaction:
        return replace(one, postings=tuple(map(posting, one.postings)))

    def assertion(one: Assertion) -> Assertion:
        return replace(one, amount=moved(one.amount))

    return replace(
        journal,
        transactions=list(map(transaction, journal.transactions)),
        assertions=list(map(assertion, journal.assertions)),
    )


def _moved(number: Decimal, digits: int) -> Decimal:
    return EXACT.scaleb(number, -digits)
