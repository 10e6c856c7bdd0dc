"""A book as a plain-text accounting journal, for hledger, ledger and beancount: the same bytes for the same position.

Amounts are integers of minor units (10000 BRL stands for what people write as 100.00): what the programs add up is
then exactly what we add up, and none of them has to know how many digits a currency has. Debits are positive,
credits negative. Commodities and accounts are declared where they are first used, so that accounts that are opened
later change nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from projections.exports import beancount, plain_text
from projections.exports.names import beancount_code, ledger_code
from projections.exports.vouchers import (
    ExportFailed,
    Voucher,
    account_types,
    position_of,
    vouchers_until,
)
from projections.queries.assets import scales
from projections.queries.snapshot import Snapshot

PREAMBLE: Final = (
    "book {book} up to position {position}: the vouchers of its log in their order",
    "amounts are integers of minor units; what could be misread in a text is written as in a URL",
)


@dataclass(frozen=True, slots=True)
class Journal:
    """One program's grammar. `code_of` gives back the code of an account that the program names."""

    format: str
    begin: Callable[[Sequence[str]], str]
    commodity: Callable[[str, int], str]
    account: Callable[[str, str, str], str]
    voucher: Callable[[Voucher, Mapping[str, str]], str]
    code_of: Callable[[str], str]


JOURNALS: Final[Mapping[str, Journal]] = {
    journal.format: journal
    for journal in (
        Journal(
            "hledger", plain_text.begin, plain_text.hledger_commodity, plain_text.hledger_account,
            plain_text.hledger_voucher, str,
        ),
        Journal(
            "ledger", plain_text.begin_ledger, plain_text.ledger_commodity, plain_text.ledger_account,
            plain_text.ledger_voucher, ledger_code,
        ),
        Journal(
            "beancount", beancount.begin, beancount.commodity, beancount.account, beancount.voucher, beancount_code,
        ),
    )
}  # fmt: skip
"""Every journal by the name of its format. To add one: its grammar in a module of its own, and a row."""


def journal_of(
    at: Snapshot,
    journal: Journal,
    *,
    as_of_position: int | None = None,
    progress: Callable[[int], None] = lambda _position: None,
) -> Iterator[str]:
    """The text of the book as of a position, in pieces of a voucher each; `progress` is told the position of each.

    Raises PositionAheadError, ExportFailed.
    """
    position = position_of(at, as_of_position)
    types, digits = account_types(at), scales(at)
    declared: set[str] = set()
    known: set[str] = set()
    yield journal.begin([line.format(book=at.book, position=position) for line in PREAMBLE])
    for voucher in vouchers_until(at, position):
        for line in voucher.lines:
            if line.account in declared:
                continue
            if line.account not in types or line.currency not in digits:
                message = f"the voucher at position {voucher.position} names what is not there: run ledgerctl verify"
                raise ExportFailed(message)
            if line.currency not in known:
                known.add(line.currency)
                yield journal.commodity(line.currency, digits[line.currency])
            declared.add(line.account)
            yield journal.account(line.account, types[line.account], line.currency)
        yield journal.voucher(voucher, types)
        progress(voucher.position)
