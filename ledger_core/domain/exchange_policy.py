"""How old a rate may be before it is stale: declared in a book's chart, by the times of events alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledger_core.domain.chart_reading import ChartError, only, text
from ledger_core.domain.payment_policy import MOST_MINUTES

WARN: Final = "warn"
DENY: Final = "deny"
MINUTE_US: Final = 60_000_000


@dataclass(slots=True, frozen=True)
class ExchangePolicy:
    """A chart that says nothing of exchanges calls no rate stale."""

    max_age_minutes: int | None = None
    denies_stale: bool = False
    """A capture whose quote is stale is refused; else its voucher says so."""

    def __str__(self) -> str:
        if self.max_age_minutes is None:
            return ""
        return f"rates of up to {self.max_age_minutes} minutes, stale ones {DENY if self.denies_stale else WARN}"


UNSAID: Final = ExchangePolicy()


def exchange_policy_of(document: Mapping[str, object]) -> ExchangePolicy:
    """`"exchange": {"max_age_minutes", "stale"?: "warn" | "deny"}`; nothing is stale where it is left out."""
    if "exchange" not in document:
        return UNSAID
    where, row = "exchange", document["exchange"]
    if not isinstance(row, dict):
        raise ChartError(f"{where} is not an object")
    only(row, where, {"max_age_minutes", "stale"})
    age = row.get("max_age_minutes")
    if not isinstance(age, int) or isinstance(age, bool) or not 0 <= age <= MOST_MINUTES:
        raise ChartError(f"{where}: max_age_minutes is not a number of minutes from 0 to {MOST_MINUTES}")
    stale = text(where, row, "stale") if "stale" in row else WARN
    if stale not in (WARN, DENY):
        raise ChartError(f"{where}: stale is neither {WARN} nor {DENY}")
    return ExchangePolicy(age, stale == DENY)
