"""The grammars of hledger and ledger, which are nearly one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from projections.exports.facts import NAMES, day_of, facts_of, title_of
from projections.exports.names import ledger_name
from projections.exports.vouchers import Voucher

HLEDGER_TYPES: Final = {"asset": "A", "liability": "L", "equity": "E", "revenue": "R", "expense": "X"}
LEDGER_FIRST_DAY: Final = "1400-01-01"
"""ledger refuses earlier ones: such a day stands as this one, `effective_at` has it as it is."""


def begin(lines: Sequence[str]) -> str:
    """What stands before everything, as comments."""
    return "".join(f"; {line}\n" for line in lines)


def begin_ledger(lines: Sequence[str]) -> str:
    """With the tags that `ledger --pedantic` wants to be told of."""
    return begin(lines) + "\n" + "".join(f"tag {name}\n" for name in (*NAMES, "purpose"))


def hledger_commodity(currency: str, scale: int) -> str:
    """The point says that amounts have no decimals."""
    return f"\ncommodity 1000. {_commodity(currency)}  ; minor digits: {scale}\n"


def ledger_commodity(currency: str, scale: int) -> str:
    return f"\ncommodity {_commodity(currency)}\n    note minor digits: {scale}\n"


def hledger_account(code: str, account_type: str, _currency: str) -> str:
    """A comment begins after two spaces; with one it would be part of the name."""
    return f"\naccount {code}  ; type:{HLEDGER_TYPES[account_type]}\n"


def ledger_account(code: str, account_type: str, _currency: str) -> str:
    return f"\naccount {ledger_name(code)}\n    note type: {account_type}\n"


def hledger_voucher(voucher: Voucher, _types: Mapping[str, str]) -> str:
    return _transaction(voucher, day_of(voucher), str)


def ledger_voucher(voucher: Voucher, _types: Mapping[str, str]) -> str:
    return _transaction(voucher, max(day_of(voucher), LEDGER_FIRST_DAY), ledger_name)


def _transaction(voucher: Voucher, day: str, name_of: Callable[[str], str]) -> str:
    facts = "".join(f"    ; {name}: {value}\n" for name, value in facts_of(voucher))
    lines = "".join(
        f"    {name_of(line.account)}  {line.signed_minor} {_commodity(line.currency)}  ; purpose: {line.purpose}\n"
        for line in voucher.lines
    )
    return f"\n{day} * ({voucher.voucher_no}) {title_of(voucher)}\n{facts}{lines}"


def _commodity(currency: str) -> str:
    """A name with digits in it is quoted, or they would be read as a number."""
    return currency if currency.isalpha() else f'"{currency}"'
