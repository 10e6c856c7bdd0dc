"""What a book that is a marketplace declares in its chart: every capture there is split by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledger_core.domain.chart_reading import ChartError, only, text
from ledger_core.domain.money import BASIS_POINTS

ESCROW: Final = "escrow"
DIRECT: Final = "direct"
CUSTODIES: Final = (ESCROW, DIRECT)
"""Who holds the money of a split payment; `custody` says what follows from it."""

COMMISSION_BPS: Final = 300
"""Of a beneficiary whose share names no commission, where the chart does not say otherwise."""


@dataclass(slots=True, frozen=True)
class Marketplace:
    """`custody` is that of captures which name none."""

    require_profiles: bool = False
    """Of beneficiaries of captures, and of whoever is paid out."""
    commission_bps: int = COMMISSION_BPS
    custody: str = ESCROW

    def __str__(self) -> str:
        profiles = "profiles required" if self.require_profiles else "profiles not required"
        return f"{self.custody}, commission of {self.commission_bps} basis points, {profiles}"


def marketplace_of(document: Mapping[str, object]) -> Marketplace | None:
    """`"marketplace": {"require_profiles"?, "commission_bps"?, "custody"?}`; None where it is left out."""
    if "marketplace" not in document:
        return None
    where, row = "marketplace", document["marketplace"]
    if not isinstance(row, dict):
        raise ChartError(f"{where} is not an object")
    only(row, where, {"require_profiles", "commission_bps", "custody"})
    profiles, bps = row.get("require_profiles", False), row.get("commission_bps", COMMISSION_BPS)
    custody = text(where, row, "custody") if "custody" in row else ESCROW
    if not isinstance(profiles, bool):
        raise ChartError(f"{where}: require_profiles is neither true nor false")
    if not isinstance(bps, int) or isinstance(bps, bool) or not 0 <= bps <= BASIS_POINTS:
        raise ChartError(f"{where}: commission_bps is no whole number from 0 to {BASIS_POINTS}")
    if custody not in CUSTODIES:
        raise ChartError(f"{where}: custody is none of {', '.join(CUSTODIES)}")
    return Marketplace(profiles, bps, custody)
