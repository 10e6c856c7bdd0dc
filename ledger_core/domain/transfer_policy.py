"""What a book asks before a transfer settles, and by which rules it sweeps: declared in its chart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from ledger_core.domain.chart_reading import (
    CONTROL_PREFIX,
    ChartError,
    amount_of,
    check_code,
    currency_of,
    only,
    role_of,
    rows,
    text,
)

MOST_APPROVALS: Final = 9
_MEMBERS: Final = {"monitoring", "verification", "approvals", "approvals_from", "sweeps"}
_OPTIONAL, _REQUIRED = "optional", "required"


@dataclass(slots=True, frozen=True)
class SweepRule:
    """What `origin` has beyond `keep_minor` goes to `to`. Both are codes, or `control:` and a role."""

    origin: str
    to: str
    currency: str
    keep_minor: int = 0

    def __str__(self) -> str:
        return f"{self.origin} to {self.to} in {self.currency}, keeping {self.keep_minor}"


@dataclass(slots=True, frozen=True)
class TransferPolicy:
    """Nothing is asked by default."""

    monitoring: bool = False
    """A transfer settles once monitoring has passed it."""
    verification: bool = False
    """A transfer settles while its customer is verified."""
    approvals: int = 0
    """So many distinct persons must have agreed before a transfer settles."""
    approvals_from: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """By currency, the amount from which they are asked for; in others of any amount."""
    sweeps: Mapping[str, SweepRule] = field(default_factory=lambda: MappingProxyType({}))
    """By name."""

    def approvals_of(self, currency: str, amount_minor: int) -> int:
        """How many persons a transfer of this amount needs."""
        return self.approvals if amount_minor >= self.approvals_from.get(currency, 0) else 0

    def flat(self) -> dict[str, str]:
        """In the words of a chart."""
        asked = {"monitoring": self.monitoring, "verification": self.verification}
        said = {name: _REQUIRED for name, required in asked.items() if required}
        said |= {"approvals": str(self.approvals)} if self.approvals else {}
        said |= {f"approvals from, {currency}": str(amount) for currency, amount in self.approvals_from.items()}
        return said | {f"sweep {name}": str(rule) for name, rule in self.sweeps.items()}


ASKS_NOTHING: Final = TransferPolicy()


def transfer_policy_of(document: Mapping[str, object]) -> TransferPolicy:
    """The policy in a chart's member `transfers`, if it has one. Raises `ChartError`.

    `{"monitoring"?: "optional" | "required", "verification"?: the same, "approvals"?: 0 to 9,
    "approvals_from"?: {currency: amount}, "sweeps"?: [{"name", "from", "to", "currency",
    "keep_minor"?}]}`, amounts as digits.
    """
    if "transfers" not in document:
        return ASKS_NOTHING
    said = document["transfers"]
    if not isinstance(said, dict):
        raise ChartError("transfers is not an object")
    only(said, "transfers", _MEMBERS)
    approvals = said.get("approvals", 0)
    if not isinstance(approvals, int) or isinstance(approvals, bool) or not 0 <= approvals <= MOST_APPROVALS:
        raise ChartError(f"transfers: approvals is no whole number from 0 to {MOST_APPROVALS}")
    return TransferPolicy(
        _required(said, "monitoring"), _required(said, "verification"), approvals, _approvals_from(said), _sweeps(said)
    )


def _required(said: Mapping[str, object], name: str) -> bool:
    value = said.get(name, _OPTIONAL)
    if value not in (_OPTIONAL, _REQUIRED):
        raise ChartError(f"transfers: {name} is neither {_OPTIONAL} nor {_REQUIRED}")
    return value == _REQUIRED


def _approvals_from(said: Mapping[str, object]) -> Mapping[str, int]:
    found = said.get("approvals_from", {})
    where = "transfers.approvals_from"
    if not isinstance(found, dict):
        raise ChartError(f"{where} is not an object")
    return MappingProxyType({
        currency_of(where, {"currency": currency}): amount_of(where, found, currency) or 0 for currency in found
    })  # fmt: skip


def _sweeps(said: Mapping[str, object]) -> Mapping[str, SweepRule]:
    found: dict[str, SweepRule] = {}
    for place, row in rows(said, "sweeps", {"name", "from", "to", "currency", "keep_minor"}):
        where = f"transfers.{place}"
        name = text(where, row, "name")
        check_code(where, name)
        if name in found:
            raise ChartError(f"{where}: sweep {name} is given twice")
        rule = SweepRule(
            _account(where, row, "from"), _account(where, row, "to"), currency_of(where, row),
            amount_of(where, row, "keep_minor") or 0,
        )  # fmt: skip
        if rule.origin == rule.to:
            raise ChartError(f"{where}: it sweeps an account into itself")
        found[name] = rule
    return MappingProxyType(found)


def _account(where: str, row: Mapping[str, object], name: str) -> str:
    """By code, or as `control:` and a role."""
    account = text(where, row, name)
    if account.startswith(CONTROL_PREFIX):
        role_of(where, {"role": account.removeprefix(CONTROL_PREFIX)})
    else:
        check_code(where, account)
    return account
