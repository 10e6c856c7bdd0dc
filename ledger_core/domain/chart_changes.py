"""What the next version of a chart changes, and what it may not: what is posted keeps the meaning that it had."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import NamedTuple

from ledger_core.domain.account_types import AccountType
from ledger_core.domain.charts import Chart, Declared, Group, Template
from ledger_core.domain.sources import SourceRule


class Change(NamedTuple):
    """One line of a comparison. `before` and `after` are empty for what is added or removed."""

    section: str
    name: str
    action: str
    member: str = ""
    before: str = ""
    after: str = ""


@dataclass(slots=True, frozen=True)
class OpenAccount:
    """An account that the book has, as its opening said."""

    code: str
    type: AccountType
    currency: str
    role: str
    keyed: bool
    entries: int
    closed: bool = False


class ChartCode(StrEnum):
    """Why a chart is not applied or shown. What contradicts open accounts stands first."""

    CHART_CURRENCY_CHANGED = "CHART_CURRENCY_CHANGED"
    CHART_ACCOUNT_DROPPED = "CHART_ACCOUNT_DROPPED"
    CHART_TYPE_CHANGED = "CHART_TYPE_CHANGED"
    CHART_KEYED_CHANGED = "CHART_KEYED_CHANGED"
    CHART_MOVED = "CHART_MOVED"
    CHART_VERSION_UNKNOWN = "CHART_VERSION_UNKNOWN"


class Contradiction(NamedTuple):
    """Why a chart can't be applied. `code` is stable, the text is for people."""

    code: ChartCode
    account: str
    detail: str


def changes(before: Chart, after: Chart) -> list[Change]:
    """Every difference, section by section, in the order of names."""
    sections = (
        ("group", _plain(before.groups), _plain(after.groups)),
        ("account", _plain(before.declared), _plain(after.declared)),
        ("control", _plain(before.controls), _plain(after.controls)),
        ("template", _plain(_by_pattern(before)), _plain(_by_pattern(after))),
        ("book", {"payments": before.payments.flat()}, {"payments": after.payments.flat()}),
        ("book", {"transfers": before.transfers.flat()}, {"transfers": after.transfers.flat()}),
    )
    found = [change for name, old, new in sections for change in _compare(name, old, new)]
    if before.late_events != after.late_events:
        found.append(Change("book", "late_events", "changed", "", before.late_events, after.late_events))
    if before.sources != after.sources:
        found.append(Change("book", "sources", "changed", "", _policy(before), _policy(after)))
    if before.marketplace != after.marketplace:
        was, now = (str(chart.marketplace or "") for chart in (before, after))
        found.append(Change("book", "marketplace", "changed", "", was, now))
    if before.cash != after.cash:
        found.append(Change("book", "cash", "changed", "drawers", str(before.cash), str(after.cash)))
    if before.exchange != after.exchange:
        found.append(Change("book", "exchange", "changed", "", str(before.exchange), str(after.exchange)))
    return found


def _policy(chart: Chart) -> str:
    return "; ".join(_rule(rule) for rule in chart.sources.rules)


def _rule(rule: SourceRule) -> str:
    through = f" through {rule.through}" if rule.through else ""
    return f"{rule.source}: {' '.join(rule.types)}{through}{f', {rule.vouchers} vouchers' if rule.vouchers else ''}"


_Member = Group | Declared | Template


def _by_pattern(chart: Chart) -> dict[str, Template]:
    return {template.pattern: template for template in chart.templates}


def _plain(members: Mapping[str, _Member]) -> dict[str, dict[str, str]]:
    """Members as flat texts, by name."""
    return {name: _flat(asdict(member)) for name, member in members.items()}


def _flat(document: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            texts |= _flat(value, "" if name == "template" else f"{prefix}{name}.")
        elif value not in ("", None):
            texts[prefix + name] = str(value)
    return texts


def _compare(section: str, old: Mapping[str, dict[str, str]], new: Mapping[str, dict[str, str]]) -> Iterable[Change]:
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield Change(section, name, "added")
        elif name not in new:
            yield Change(section, name, "removed")
        else:
            for member in sorted(old[name].keys() | new[name].keys()):
                was, now = old[name].get(member, ""), new[name].get(member, "")
                if was != now:
                    yield Change(section, name, "changed", member, was, now)


def contradictions(before: Chart, after: Chart, accounts: Iterable[OpenAccount]) -> list[Contradiction]:
    """What the new version says of open accounts against what they are.

    An account that was opened otherwise than the old version said, by hand, is none of a chart's business while
    the new version says the same of it as the old one.
    """
    return [found for account in accounts if (found := _contradiction(before, after, account)) is not None]


def _contradiction(before: Chart, after: Chart, account: OpenAccount) -> Contradiction | None:
    declared = after.declared.get(account.code)
    if declared is not None and declared.currency != account.currency:
        detail = f"{account.code} is kept in {account.currency}, not in {declared.currency}"
        return Contradiction(ChartCode.CHART_CURRENCY_CHANGED, account.code, detail)
    if declared is None and account.code in before.declared and account.entries and not account.closed:
        return Contradiction(
            ChartCode.CHART_ACCOUNT_DROPPED,
            account.code,
            f"{account.code} has {account.entries} entries: close it first",
        )
    wanted = after.template_for(account.code, account.currency)
    said = before.template_for(account.code, account.currency)
    if wanted is None or (said is not None and (wanted.type, wanted.keyed) == (said.type, said.keyed)):
        return None
    if wanted.type != account.type:
        detail = f"{account.code} is open as {account.type}, not as {wanted.type}"
        return Contradiction(ChartCode.CHART_TYPE_CHANGED, account.code, detail)
    if wanted.keyed != account.keyed:
        was, wants = ("is", "is not") if account.keyed else ("is not", "is")
        return Contradiction(
            ChartCode.CHART_KEYED_CHANGED,
            account.code,
            f"{account.code} {was} kept per order key; the chart says it {wants}",
        )
    return None
