"""Commerce facts: sales, what the goods had cost, and what the warehouse counts. Amounts in minor units."""

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class SaleCompleted:
    """Goods were sold. `source` is the account where the money arrives; None where nobody chose one."""

    sale_id: str
    amount_minor: int
    currency: str
    source: str | None = None


@dataclass(slots=True)
class UnsourcedSale(SaleCompleted):
    """A sale of which nobody chose where its money arrives: it is not kept, and may be told again with a source."""


@dataclass(slots=True)
class CogsRecorded:
    """What the goods of a sale had cost."""

    sale_id: str
    amount_minor: int
    currency: str


@dataclass(slots=True)
class InventoryAdjusted:
    """The inventory is worth more, or less, than the books say."""

    adjustment_id: str
    amount_minor: int
    currency: str
    direction: Literal["increase", "decrease"]
    reason: str
    reference: str


CommerceFact = SaleCompleted | UnsourcedSale | CogsRecorded | InventoryAdjusted
