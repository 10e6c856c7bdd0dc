"""Reads the parts of a chart's document; whatever is wrong is said with its place."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ledger_core.domain.account_types import ACCOUNT_TYPES, AccountType
from ledger_core.domain.limits import ALLOW, POLICIES, Limits

CONTROL_PREFIX: Final = "control:"
"""How an event names a control account: `control:UNALLOCATED_SALES`. No account has such a code."""

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,199}")
_ROLE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_CURRENCY: Final = re.compile(r"[A-Z][A-Z0-9]{1,11}")
_AMOUNT: Final = re.compile(r"0|[1-9][0-9]{0,17}")
MAX_NAME_LENGTH: Final = 200


class ChartError(ValueError):
    """A chart that says something impossible; the text says where and what."""


def rows(document: Mapping[str, object], name: str, members: set[str]) -> Iterable[tuple[str, Mapping[str, object]]]:
    """The objects of a list with the place of each; none where the list is left out."""
    found = document.get(name, [])
    if not isinstance(found, list):
        raise ChartError(f"{name} is not a list")
    for number, row in enumerate(found):
        where = f"{name}[{number}]"
        if not isinstance(row, dict):
            raise ChartError(f"{where} is not an object")
        only(row, where, members)
        yield where, row


def only(row: Mapping[str, object], where: str, members: set[str]) -> None:
    unknown = sorted(set(row) - members)
    if unknown:
        raise ChartError(f"{where}: unknown member {unknown[0]!r:.60}")


def text(where: str, row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise ChartError(f"{where}: {name} is missing or no text")
    return value


def optional_text(where: str, row: Mapping[str, object], name: str) -> str:
    return text(where, row, name) if name in row else ""


def name_of(where: str, row: Mapping[str, object]) -> str:
    """A name for people."""
    name = optional_text(where, row, "name")
    if len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise ChartError(f"{where}: name is longer than {MAX_NAME_LENGTH} or not printable")
    return name


def role_of(where: str, row: Mapping[str, object]) -> str:
    role = text(where, row, "role")
    if _ROLE.fullmatch(role) is None:
        raise ChartError(f"{where}: role is not an upper-case name")
    return role


def currency_of(where: str, row: Mapping[str, object]) -> str:
    currency = text(where, row, "currency")
    if _CURRENCY.fullmatch(currency) is None:
        raise ChartError(f"{where}: currency is not the code of an asset")
    return currency


def keyed_of(where: str, row: Mapping[str, object]) -> bool:
    keyed = row.get("keyed", False)
    if not isinstance(keyed, bool):
        raise ChartError(f"{where}: keyed is neither true nor false")
    return keyed


def type_of(where: str, row: Mapping[str, object]) -> AccountType:
    kind = text(where, row, "type")
    if kind not in ACCOUNT_TYPES:
        raise ChartError(f"{where}: type is none of {', '.join(ACCOUNT_TYPES)}")
    return kind


def check_code(where: str, code: str) -> None:
    if _CODE.fullmatch(code) is None:
        raise ChartError(f"{where}: not the code of an account")
    if code.startswith(CONTROL_PREFIX):
        raise ChartError(f"{where}: codes that begin with {CONTROL_PREFIX} name roles")


def limits_of(where: str, row: Mapping[str, object]) -> Limits | None:
    """`{"overdraft_minor"?, "minimum_minor"?, "maximum_minor"?, "policy"?}`, amounts as digits; None if left out.

    An overdraft is a minimum below zero: `overdraft_minor` 500 lets the balance fall to -500.
    """
    if "limits" not in row:
        return None
    document, where = row["limits"], f"{where}.limits"
    if not isinstance(document, dict):
        raise ChartError(f"{where} is not an object")
    only(document, where, {"overdraft_minor", "minimum_minor", "maximum_minor", "policy"})
    if "overdraft_minor" in document and "minimum_minor" in document:
        raise ChartError(f"{where}: a minimum and an overdraft exclude each other")
    overdraft, minimum = amount_of(where, document, "overdraft_minor"), amount_of(where, document, "minimum_minor")
    policy = POLICIES.get(text(where, document, "policy")) if "policy" in document else ALLOW
    if policy is None:
        raise ChartError(f"{where}: policy is none of {', '.join(POLICIES)}")
    limits = Limits(minimum if overdraft is None else -overdraft, amount_of(where, document, "maximum_minor"), policy)
    if limits.impossible:
        raise ChartError(f"{where}: the minimum is above the maximum")
    return limits


def amount_of(where: str, row: Mapping[str, object], name: str) -> int | None:
    """An amount in minor units, as digits; None where it is left out."""
    if name not in row:
        return None
    digits = text(where, row, name)
    if _AMOUNT.fullmatch(digits) is None:
        raise ChartError(f"{where}: {name} is not a string of up to 18 digits")
    return int(digits)
