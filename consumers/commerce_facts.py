"""Turns validated data of sales and of what they cost into the core's facts."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ledger_core.domain.commerce import CogsRecorded, CommerceFact, InventoryAdjusted, SaleCompleted, UnsourcedSale
from schemas.events.commerce import CogsRecordedV1, InventoryAdjustedV1, SaleCompletedV1


def sale_completed(data: SaleCompletedV1) -> SaleCompleted:
    source = _source(data)
    kind = UnsourcedSale if source is None else SaleCompleted
    return kind(data["sale_id"], int(data["amount_minor"]), data["currency"], source)


def _source(data: SaleCompletedV1) -> str | None:
    """The id at `attempt.finance.source`, each of which may be absent."""
    finance = (data.get("attempt") or {}).get("finance") or {}
    return (finance.get("source") or {}).get("id")


def cogs_recorded(data: CogsRecordedV1) -> CogsRecorded:
    return CogsRecorded(data["sale_id"], int(data["amount_minor"]), data["currency"])


def inventory_adjusted(data: InventoryAdjustedV1) -> InventoryAdjusted:
    return InventoryAdjusted(
        data["adjustment_id"], int(data["amount_minor"]), data["currency"], data["direction"], data["reason"],
        data["reference"],
    )  # fmt: skip


# Any: each function takes the data of its own type, which the validator of that type has just made.
COMMERCE_FACTS: Mapping[str, Callable[[Any], CommerceFact]] = MappingProxyType({
    "sale.completed.v1": sale_completed,
    "cogs.recorded.v1": cogs_recorded,
    "inventory.adjusted.v1": inventory_adjusted,
})  # fmt: skip
