"""Which accounts of a book are cash drawers: declared in its chart, so that cash leaves them only signed by two."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ledger_core.domain.chart_reading import ChartError, check_code, only

SIGNERS: Final = 2


@dataclass(slots=True, frozen=True)
class CashPolicy:
    """`drawers` are codes, or the beginning of codes up to `*`. A chart that names none asks nothing."""

    drawers: tuple[str, ...] = ()

    def is_drawer(self, code: str) -> bool:
        return any(
            code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern for pattern in self.drawers
        )

    def __str__(self) -> str:
        return " ".join(self.drawers)


NO_DRAWERS: Final = CashPolicy()


def signed_by_two(names: Iterable[str]) -> bool:
    """Whether two distinct persons signed, however their names are written."""
    return len({" ".join(name.split()).casefold() for name in names} - {""}) >= SIGNERS


def cash_policy_of(document: Mapping[str, object]) -> CashPolicy:
    """`"cash": {"drawers": ["cash:drawer:*", …]}`. Raises `ChartError`."""
    if "cash" not in document:
        return NO_DRAWERS
    said = document["cash"]
    if not isinstance(said, dict):
        raise ChartError("cash is not an object")
    only(said, "cash", {"drawers"})
    drawers = said.get("drawers", [])
    if not isinstance(drawers, list):
        raise ChartError("cash.drawers is not a list")
    for number, pattern in enumerate(drawers):
        where = f"cash.drawers[{number}]"
        if not isinstance(pattern, str):
            raise ChartError(f"{where} is no text")
        check_code(where, pattern.removesuffix("*"))
    return CashPolicy(tuple(drawers))
