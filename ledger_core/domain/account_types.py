"""The five types of accounts, and the side on which each grows."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

from ledger_core.domain.vouchers import Side

AccountType = Literal["asset", "liability", "equity", "revenue", "expense"]
ACCOUNT_TYPES: Final[tuple[AccountType, ...]] = get_args(AccountType)

NORMAL_SIDE: Final[Mapping[AccountType, Side]] = MappingProxyType({
    "asset": "D",
    "expense": "D",
    "liability": "C",
    "equity": "C",
    "revenue": "C",
})  # fmt: skip
"""What raises the balance of an account of this type."""


def account_type_of(name: str) -> AccountType:
    """The type of this name. Raises ValueError."""
    for known in ACCOUNT_TYPES:
        if name == known:
            return known
    raise ValueError(f"{name!r:.40} is none of {', '.join(ACCOUNT_TYPES)}")
