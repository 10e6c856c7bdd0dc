"""Codes of accounts and assets for the names that a journal uses. Every mapping is without loss and reads back.

`Assets:US:BofA:Checking` in USD is the account `Assets:US:BofA:Checking:USD`: an account here has one currency, one of
a journal any number. A space becomes `_`; any other sign that no code may hold becomes a point and two hexadecimal
digits for each of its bytes: `U.S. Bonds_1` is `U.2eS.2e_Bonds.5f1`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ledger_core.domain.charts import ACCOUNT_TYPES, CONTROL_PREFIX, AccountType

_PLAIN: Final = re.compile(r"[A-Za-z0-9:-]")
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,199}")
_ASSET: Final = re.compile(r"[A-Z][A-Z0-9]{1,11}")

ANY: Final = "*"
"""In a table of types: accounts that nothing else fits."""

ROOTS: Final[Mapping[str, AccountType]] = {
    "asset": "asset", "assets": "asset", "liability": "liability", "liabilities": "liability", "debt": "liability",
    "debts": "liability", "equity": "equity", "income": "revenue", "incomes": "revenue", "revenue": "revenue",
    "revenues": "revenue", "expense": "expense", "expenses": "expense",
}  # fmt: skip
"""Top-level names that say the type of what is below them, in lower case."""


class UnnamedError(ValueError):
    """A name for which there is no code, or whose type nobody says."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How names become codes: symbols of commodities as asset codes, types by account name, both as the user says."""

    commodities: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, AccountType] = field(default_factory=dict)

    def asset(self, commodity: str) -> str:
        """The asset that a commodity is. Raises `UnnamedError`."""
        code = self.commodities.get(commodity, commodity)
        if _ASSET.fullmatch(code) is None:
            shown = f"{commodity!r:.40}" if commodity else "an amount without a commodity"
            raise UnnamedError(f"{shown} is no code of an asset: name one with --commodity '{commodity:.40}=CODE'")
        return code

    def account(self, name: str, asset: str) -> str:
        """The account that holds this asset. Raises `UnnamedError`."""
        code = f"{escaped(name)}:{asset}"
        if _CODE.fullmatch(code) is None or code.startswith(CONTROL_PREFIX):
            raise UnnamedError(f"account {name!r:.80}: no code of an account can say that")
        return code

    def type_of(self, name: str, declared: Mapping[str, str]) -> AccountType:
        """Its type: said by the user, by the file, by its top-level name, in this order. Raises `UnnamedError`."""
        above = [":".join(name.split(":")[:depth]) for depth in range(name.count(":") + 1, 0, -1)]
        for known in (self.types, declared):
            for ancestor in above:
                if ancestor in known:
                    return _type(known[ancestor])
        root = ROOTS.get(above[-1].strip().lower()) or self.types.get(ANY)
        if root is None:
            raise UnnamedError(
                f"account {name!r:.80}: nothing says its type; --type 'NAME=TYPE' does, for all: --type '*=TYPE'"
            )
        return root


def escaped(name: str) -> str:
    """A name in the signs that codes may hold; different names stay different."""
    return "".join(
        sign if _PLAIN.fullmatch(sign) else "_" if sign == " " else "".join(f".{byte:02x}" for byte in sign.encode())
        for sign in name
    )


def _type(text: str) -> AccountType:
    return next(known for known in ACCOUNT_TYPES if known == text)
