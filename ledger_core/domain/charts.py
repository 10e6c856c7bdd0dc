"""A book's chart of accounts: which accounts may open on the fly, and which one plays which role."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, get_args

from ledger_core.domain.periods import LATE_EVENTS, LateEvents
from ledger_core.domain.sources import SourcePolicy, default_policy, policy_from_rows

AccountType = Literal["asset", "liability", "equity", "revenue", "expense"]
ACCOUNT_TYPES: tuple[AccountType, ...] = get_args(AccountType)

CONTROL_PREFIX = "control:"
"""How an event names a control account: `control:UNALLOCATED_SALES`. No account has such a code."""


class Role(StrEnum):
    """Control accounts that rules look up by role and currency."""

    PROCESSOR_CLEARING = "PROCESSOR_CLEARING"
    PLATFORM_FEES = "PLATFORM_FEES"
    ORDER_SUSPENSE = "ORDER_SUSPENSE"
    UNALLOCATED_SALES = "UNALLOCATED_SALES"
    CASH = "CASH"
    TRADING = "TRADING"


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
    late_events: LateEvents = "park"
    sources: SourcePolicy = field(default_factory=default_policy)
    _codes: dict[tuple[str, str], str | None] = field(default_factory=dict, repr=False)

    def control(self, role: str, currency: str) -> str | None:
        """Code of the control account of this role in this currency; None when the chart has no such role."""
        try:
            return self._codes[role, currency]
        except KeyError:
            template = self.controls.get(role)
            code = template.pattern.replace("{currency}", currency) if template else None
            self._codes[role, currency] = code
            return code

    def resolve(self, name: str, currency: str) -> str | None:
        """The account that an event names, by code or as `control:` and a role; None for a missing role."""
        if name.startswith(CONTROL_PREFIX):
            return self.control(name[len(CONTROL_PREFIX) :], currency)
        return name

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


_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,199}")
_ROLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_CURRENCY = "{currency}"


class ChartError(ValueError):
    """A chart that says something impossible; the text says where and what."""


def chart_from_document(document: Mapping[str, object], *, version: int = 1) -> Chart:
    """The chart in a document of this shape (schemas/charts holds examples). Raises `ChartError`.

    `{"controls": [{"role", "code", "type", "keyed"?}], "templates": [{"pattern", "type"}], "late_events"?,
    "sources"?: [{"source", "types", "through"?}]}`
    """
    _only(document, "the chart", {"name", "controls", "templates", "late_events", "sources"})
    controls: dict[str, Template] = {}
    for where, row in _rows(document, "controls", {"role", "code", "type", "keyed"}):
        control = _control(where, row)
        if control.role in controls:
            raise ChartError(f"{where}: role {control.role} is given twice")
        controls[control.role] = control
    templates = [_template(where, row) for where, row in _rows(document, "templates", {"pattern", "type"})]
    patterns = [template.pattern for template in (*controls.values(), *templates)]
    for pattern in patterns:
        if patterns.count(pattern) > 1:
            raise ChartError(f"{pattern} is given twice")
    return Chart(version, controls, tuple(templates), _late_events(document), _sources(document))


def _late_events(document: Mapping[str, object]) -> LateEvents:
    said = document.get("late_events", "park")
    for known in LATE_EVENTS:
        if said == known:
            return known
    raise ChartError(f"late_events is none of {', '.join(LATE_EVENTS)}")


def _sources(document: Mapping[str, object]) -> SourcePolicy:
    try:
        return policy_from_rows(document["sources"]) if "sources" in document else default_policy()
    except ValueError as error:
        raise ChartError(str(error)) from None


def _control(where: str, row: Mapping[str, object]) -> Template:
    role, code, keyed = _text(where, row, "role"), _text(where, row, "code"), row.get("keyed", False)
    if _ROLE.fullmatch(role) is None:
        raise ChartError(f"{where}: role is not an upper-case name")
    _check_code(where, code.replace(_CURRENCY, "EUR"))
    if not isinstance(keyed, bool):
        raise ChartError(f"{where}: keyed is neither true nor false")
    return Template(code, _type(where, row), role, keyed)


def _template(where: str, row: Mapping[str, object]) -> Template:
    pattern = _text(where, row, "pattern")
    if "*" in pattern[:-1]:
        raise ChartError(f"{where}: * may only stand at the end of a pattern")
    _check_code(where, pattern.removesuffix("*"))
    return Template(pattern, _type(where, row))


def _check_code(where: str, code: str) -> None:
    if _CODE.fullmatch(code) is None:
        raise ChartError(f"{where}: not the code of an account")
    if code.startswith(CONTROL_PREFIX):
        raise ChartError(f"{where}: codes that begin with {CONTROL_PREFIX} name roles")


def _type(where: str, row: Mapping[str, object]) -> AccountType:
    text = _text(where, row, "type")
    if text not in ACCOUNT_TYPES:
        raise ChartError(f"{where}: type is none of {', '.join(ACCOUNT_TYPES)}")
    return text


def _text(where: str, row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise ChartError(f"{where}: {name} is missing or no text")
    return value


def _rows(document: Mapping[str, object], name: str, members: set[str]) -> Iterable[tuple[str, Mapping[str, object]]]:
    rows = document.get(name, [])
    if not isinstance(rows, list):
        raise ChartError(f"{name} is not a list")
    for number, row in enumerate(rows):
        where = f"{name}[{number}]"
        if not isinstance(row, dict):
            raise ChartError(f"{where} is not an object")
        _only(row, where, members)
        yield where, row


def _only(row: Mapping[str, object], where: str, members: set[str]) -> None:
    unknown = sorted(set(row) - members)
    if unknown:
        raise ChartError(f"{where}: unknown member {unknown[0]!r:.60}")
