"""A book's chart of accounts: which accounts it has or may open on the fly, which role each plays, how they roll up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ledger_core.domain.account_types import ACCOUNT_TYPES, AccountType
from ledger_core.domain.cash_policy import NO_DRAWERS, CashPolicy, cash_policy_of
from ledger_core.domain.chart_reading import (
    CONTROL_PREFIX,
    ChartError,
    check_code,
    currency_of,
    keyed_of,
    limits_of,
    name_of,
    only,
    optional_text,
    role_of,
    rows,
    text,
    type_of,
)
from ledger_core.domain.exchange_policy import UNSAID, ExchangePolicy, exchange_policy_of
from ledger_core.domain.limits import Limits
from ledger_core.domain.marketplaces import Marketplace, marketplace_of
from ledger_core.domain.payment_policy import NOTHING, PaymentPolicy, policy_from_document
from ledger_core.domain.periods import LATE_EVENTS, LateEvents
from ledger_core.domain.sources import SourcePolicy, default_policy, policy_from_rows
from ledger_core.domain.transfer_policy import ASKS_NOTHING, TransferPolicy, transfer_policy_of

__all__ = [
    "ACCOUNT_TYPES", "CONTROL_PREFIX", "AccountType", "Chart", "ChartError", "Declared", "Group", "Role", "Template",
    "chart_from_document",
]  # fmt: skip


class Role(StrEnum):
    """Control accounts that rules look up by role and currency."""

    PROCESSOR_CLEARING = "PROCESSOR_CLEARING"
    PLATFORM_FEES = "PLATFORM_FEES"
    ORDER_SUSPENSE = "ORDER_SUSPENSE"
    UNALLOCATED_SALES = "UNALLOCATED_SALES"
    CASH = "CASH"
    TRADING = "TRADING"
    SETTLEMENTS_IN_TRANSIT = "SETTLEMENTS_IN_TRANSIT"
    PAYOUTS_IN_TRANSIT = "PAYOUTS_IN_TRANSIT"
    PROCESSOR_FEES = "PROCESSOR_FEES"
    CHARGEBACK_RESERVE = "CHARGEBACK_RESERVE"
    CHARGEBACK_FEES = "CHARGEBACK_FEES"
    CASH_OVER_SHORT = "CASH_OVER_SHORT"
    CASH_ON_DELIVERY = "CASH_ON_DELIVERY"
    SALES = "SALES"
    COGS = "COGS"
    INVENTORY = "INVENTORY"
    INVENTORY_ADJUSTMENTS = "INVENTORY_ADJUSTMENTS"
    TRANSFERS_IN_TRANSIT = "TRANSFERS_IN_TRANSIT"


@dataclass(slots=True, frozen=True)
class Template:
    """Accounts that open on the fly. `pattern` is a code, `*` standing for a last part (`wallet:seller:*`);
    `{currency}` in the code of a control account stands for the currency asked for.

    `parent` is the group that they roll up into; an account opens with `limits`.
    """

    pattern: str
    type: AccountType
    role: str = ""
    keyed: bool = False
    parent: str = ""
    limits: Limits | None = None

    def code_in(self, currency: str) -> str:
        """The code of a control account in a currency."""
        return self.pattern.replace(_CURRENCY, currency)

    @property
    def prefix(self) -> str | None:
        """What codes begin with, and go on from, that the pattern fits; None for a pattern that is a code."""
        return self.pattern[:-1] if self.pattern.endswith("*") else None

    def fits(self, code: str) -> bool:
        """Whether an account of this code opens by this pattern of a template."""
        prefix = self.prefix
        return code == self.pattern or (prefix is not None and code.startswith(prefix) and code != prefix)


@dataclass(slots=True, frozen=True)
class Declared:
    """An account that the book has from the moment its chart is applied."""

    template: Template
    currency: str
    name: str = ""

    @property
    def code(self) -> str:
        return self.template.pattern


@dataclass(slots=True, frozen=True)
class Group:
    """A node above accounts: it takes no entries, its balance is the sum of what is below it."""

    code: str
    name: str = ""
    parent: str = ""


@dataclass(slots=True)
class Chart:
    """One version of a book's chart. Immutable but for its look-up cache."""

    version: int
    controls: Mapping[str, Template]
    templates: tuple[Template, ...]
    late_events: LateEvents = "park"
    sources: SourcePolicy = field(default_factory=default_policy)
    declared: Mapping[str, Declared] = field(default_factory=dict)
    """By code."""
    groups: Mapping[str, Group] = field(default_factory=dict)
    """By code."""
    payments: PaymentPolicy = NOTHING
    marketplace: Marketplace | None = None
    """Set where captures are split by the book's policy."""
    transfers: TransferPolicy = ASKS_NOTHING
    exchange: ExchangePolicy = UNSAID
    cash: CashPolicy = NO_DRAWERS
    scales: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)
    """Decimals of assets by code, as whoever posts by the chart knows them. What an asset is never changes."""
    _codes: dict[tuple[str, str], str | None] = field(default_factory=dict, repr=False)

    @property
    def requires_profiles(self) -> bool:
        """Whether whoever is to be paid out needs a verified settlement profile."""
        return self.marketplace is not None and self.marketplace.require_profiles

    def control(self, role: str, currency: str) -> str | None:
        """Code of the control account of this role in this currency; None when the chart has no such role."""
        try:
            return self._codes[role, currency]
        except KeyError:
            code = self._code_of_role(role, currency)
            self._codes[role, currency] = code
            return code

    def _code_of_role(self, role: str, currency: str) -> str | None:
        """A declared account comes before the pattern of its role."""
        for declared in self.declared.values():
            if declared.template.role == role and declared.currency == currency:
                return declared.code
        template = self.controls.get(role)
        return template.code_in(currency) if template else None

    def resolve(self, name: str, currency: str) -> str | None:
        """The account that an event names, by code or as `control:` and a role; None for a missing role."""
        if name.startswith(CONTROL_PREFIX):
            return self.control(name[len(CONTROL_PREFIX) :], currency)
        return name

    def scale_of(self, currency: str) -> int | None:
        """Decimals of an asset; None where there is no such asset."""
        try:
            return self.scales[currency]
        except KeyError:
            return None

    def template_for(self, code: str, currency: str) -> Template | None:
        """The template by which an account of this code may open, or None."""
        declared = self.declared.get(code)
        if declared is not None:
            return declared.template if declared.currency == currency else None
        for template in self.controls.values():
            if template.code_in(currency) == code:
                return template
        return next((template for template in self.templates if template.fits(code)), None)

    def members(self) -> Iterator[Template]:
        """Everything that accounts may match, in the order in which it does."""
        yield from (declared.template for declared in self.declared.values())
        yield from self.controls.values()
        yield from self.templates


_CURRENCY = "{currency}"
_MEMBERS = {
    "name", "groups", "accounts", "controls", "templates", "late_events", "sources", "payments", "marketplace",
    "transfers",
    "exchange",
    "cash",
}  # fmt: skip


def chart_from_document(document: Mapping[str, object], *, version: int = 1) -> Chart:
    """The chart in a document of this shape (schemas/charts holds examples). Raises `ChartError`.

    `{"groups": [{"code", "name"?, "parent"?}],
    "accounts": [{"code", "type", "currency", "name"?, "role"?, "keyed"?, "parent"?, "limits"?}],
    "controls": [{"role", "code", "type", "keyed"?, "parent"?, "limits"?}],
    "templates": [{"pattern", "type", "parent"?, "limits"?}], "late_events"?,
    "sources"?: [{"source", "types", "through"?}],
    "marketplace"?: {"require_profiles"?, "commission_bps"?, "custody"?},
    "exchange"?: {"max_age_minutes", "stale"?}, "cash"?: {"drawers"?},
    "payments"?, "transfers"?}`, the last two as `payment_policy` and `transfer_policy` read them.
    """
    only(document, "the chart", _MEMBERS)
    groups = _groups(document)
    declared = _declared(document)
    controls: dict[str, Template] = {}
    for where, row in rows(document, "controls", {"role", "code", "type", "keyed", "parent", "limits"}):
        control = _control(where, row)
        if control.role in controls:
            raise ChartError(f"{where}: role {control.role} is given twice")
        controls[control.role] = control
    members = {"pattern", "type", "parent", "limits"}
    templates = [_template(where, row) for where, row in rows(document, "templates", members)]
    payments = policy_from_document(document["payments"]) if "payments" in document else NOTHING
    late_events, sources, marketplace = _late_events(document), _sources(document), marketplace_of(document)
    chart = Chart(
        version, controls, tuple(templates), late_events, sources, declared, groups, payments, marketplace,
        transfer_policy_of(document),
        exchange_policy_of(document),
        cash_policy_of(document),
    )  # fmt: skip
    _check_patterns(chart)
    _check_parents(chart)
    return chart


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


def _groups(document: Mapping[str, object]) -> dict[str, Group]:
    groups: dict[str, Group] = {}
    for where, row in rows(document, "groups", {"code", "name", "parent"}):
        group = Group(text(where, row, "code"), name_of(where, row), optional_text(where, row, "parent"))
        check_code(where, group.code)
        if group.code in groups:
            raise ChartError(f"{where}: group {group.code} is given twice")
        groups[group.code] = group
    return groups


def _declared(document: Mapping[str, object]) -> dict[str, Declared]:
    declared: dict[str, Declared] = {}
    roles: set[tuple[str, str]] = set()
    members = {"code", "type", "currency", "name", "role", "keyed", "parent", "limits"}
    for where, row in rows(document, "accounts", members):
        code, role = text(where, row, "code"), role_of(where, row) if "role" in row else ""
        check_code(where, code)
        parent = optional_text(where, row, "parent")
        template = Template(code, type_of(where, row), role, keyed_of(where, row), parent, limits_of(where, row))
        account = Declared(template, currency_of(where, row), name_of(where, row))
        if code in declared:
            raise ChartError(f"{where}: account {code} is given twice")
        if role and (role, account.currency) in roles:
            raise ChartError(f"{where}: role {role} in {account.currency} is given twice")
        roles.add((role, account.currency))
        declared[code] = account
    return declared


def _control(where: str, row: Mapping[str, object]) -> Template:
    role, code, keyed = role_of(where, row), text(where, row, "code"), keyed_of(where, row)
    check_code(where, code.replace(_CURRENCY, "EUR"))
    parent, limits = optional_text(where, row, "parent"), limits_of(where, row)
    return Template(code, type_of(where, row), role, keyed, parent, limits)


def _template(where: str, row: Mapping[str, object]) -> Template:
    pattern = text(where, row, "pattern")
    if "*" in pattern[:-1]:
        raise ChartError(f"{where}: * may only stand at the end of a pattern")
    check_code(where, pattern.removesuffix("*"))
    parent, limits = optional_text(where, row, "parent"), limits_of(where, row)
    return Template(pattern, type_of(where, row), parent=parent, limits=limits)


def _check_patterns(chart: Chart) -> None:
    patterns = [template.pattern for template in (*chart.controls.values(), *chart.templates)]
    for pattern in patterns:
        if patterns.count(pattern) > 1:
            raise ChartError(f"{pattern} is given twice")


def _check_parents(chart: Chart) -> None:
    """A parent is a group of this chart, and no group is above itself."""
    for template in chart.members():
        if template.parent and template.parent not in chart.groups:
            raise ChartError(f"{template.pattern}: there is no group {template.parent!r:.60}")
    for group in chart.groups.values():
        above, seen = group, {group.code}
        while above.parent:
            if above.parent not in chart.groups:
                raise ChartError(f"group {above.code}: there is no group {above.parent!r:.60}")
            if above.parent in seen:
                raise ChartError(f"group {group.code} is above itself")
            seen.add(above.parent)
            above = chart.groups[above.parent]
