"""A book's chart of accounts: which accounts may open on the fly, and which one plays which role."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, get_args

AccountType = Literal["asset", "liability", "equity", "revenue", "expense"]
ACCOUNT_TYPES: tuple[AccountType, ...] = get_args(AccountType)


class Role(StrEnum):
    """Control accounts that rules look up by role and currency."""

    PROCESSOR_CLEARING = "PROCESSOR_CLEARING"
    PLATFORM_FEES = "PLATFORM_FEES"
    ORDER_SUSPENSE = "ORDER_SUSPENSE"
    UNALLOCATED_SALES = "UNALLOCATED_SALES"
    CASH = "CASH"


@dataclass(slots=True, frozen=True)
class Template:
    """Accounts that open on the fly. `pattern` is a code, `*` standing for a last part (`wallet:seller:*`);
    `{currency}` in the code of a control account stands for the currency asked for."""

    pattern: str
    type: AccountType
    role: str = ""
    keyed: bool = False


@dataclass(slots=True)
class Chart:
    """One version of a book's chart. Immutable but for its look-up cache."""

    version: int
    controls: Mapping[str, Template]
    templates: tuple[Template, ...]
    _codes: dict[tuple[str, str], str | None] = field(default_factory=dict, repr=False)

    def control(self, role: str, currency: str) -> str | None:
        """Code of the control account of this role in this currency; None when the chart has no such role."""
        key = (role, currency)
        if key not in self._codes:
            template = self.controls.get(role)
            self._codes[key] = template.pattern.replace("{currency}", currency) if template else None
        return self._codes[key]

    def template_for(self, code: str, currency: str) -> Template | None:
        """The template by which an account of this code may open, or None."""
        for template in self.controls.values():
            if template.pattern.replace("{currency}", currency) == code:
                return template
        for template in self.templates:
            prefix, star, _ = template.pattern.partition("*")
            if (star and code.startswith(prefix) and len(code) > len(prefix)) or code == template.pattern:
                return template
        return None
