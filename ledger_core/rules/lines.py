"""Lines between accounts that are named, by code or as `control:` and a role."""

from typing import Final

from ledger_core.domain.charts import CONTROL_PREFIX, Chart, Role
from ledger_core.domain.outcomes import Refusal
from ledger_core.domain.vouchers import Line, Purpose, Side
from ledger_core.rules.accounts import control_missing

Named = tuple[str, Side, int, Purpose]
"""Account, side, amount in minor units, purpose. A line of nothing is left out."""
_line: Final = tuple.__new__  # half of what Line(...) costs


def control(role: Role) -> str:
    return CONTROL_PREFIX + role.value


def lines_of(named: list[Named], currency: str, chart: Chart) -> list[Line] | Refusal:
    """The lines with their accounts found by the chart."""
    lines: list[Line] = []
    for name, side, amount_minor, purpose in named:
        if not amount_minor:
            continue
        account = chart.resolve(name, currency)
        if account is None:
            return control_missing(name, currency)
        lines.append(_line(Line, (account, side, amount_minor, currency, purpose._value_)))  # .value costs a call
    return lines
