"""The grammar of beancount."""

from collections.abc import Mapping, Sequence
from typing import Final

from projections.exports.facts import day_of, facts_of, title_of
from projections.exports.names import beancount_name
from projections.exports.vouchers import Line, Voucher

BEGINNING: Final = "0001-01-01"
"""Accounts are open from the first day there is: a voucher may take effect before the one that first used them."""


def begin(lines: Sequence[str]) -> str:
    """What stands before everything, as comments."""
    return "".join(f"; {line}\n" for line in lines)


def commodity(currency: str, scale: int) -> str:
    return f'\n{BEGINNING} commodity {currency}\n  minor_digits: "{scale}"\n'


def account(code: str, account_type: str, currency: str) -> str:
    return f'\n{BEGINNING} open {beancount_name(code, account_type)} {currency}\n  code: "{code}"\n'


def voucher(voucher: Voucher, types: Mapping[str, str]) -> str:
    facts = "".join(f'  {name}: "{value}"\n' for name, value in facts_of(voucher))
    lines = "".join(_line(line, types) for line in voucher.lines)
    return f'\n{day_of(voucher)} * "{title_of(voucher)}"\n  voucher_no: "{voucher.voucher_no}"\n{facts}{lines}'


def _line(line: Line, types: Mapping[str, str]) -> str:
    name = beancount_name(line.account, types[line.account])
    return f'  {name}  {line.signed_minor} {line.currency}\n    purpose: "{line.purpose}"\n'
