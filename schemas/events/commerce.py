"""Commerce events, version 1: what a shop sells, what the goods had cost it, and what its warehouse counts.

The `subject` of a sale and of its cost is the id of the sale, that of an adjustment its own id. Fields stand in
alphabetical order, as in `payments.py`.
"""

from typing import Annotated, Literal, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from schemas.events.payments import STRICT, AccountCode, AmountMinor, Currency, Identifier


@with_config(STRICT)
class SourceData(TypedDict):
    """Where the money of a sale arrives."""

    id: NotRequired[AccountCode | None]


@with_config(STRICT)
class FinanceData(TypedDict):
    """How an attempt to pay touches the books."""

    source: NotRequired[SourceData | None]


@with_config(STRICT)
class AttemptData(TypedDict):
    """The attempt to pay that succeeded."""

    finance: NotRequired[FinanceData | None]


@with_config(STRICT)
class SaleCompletedV1(TypedDict):
    """Goods were sold. Posts to the account at `attempt.finance.source.id`; a sale that names none is skipped."""

    amount_minor: AmountMinor
    attempt: NotRequired[AttemptData | None]
    currency: Currency
    sale_id: Identifier


@with_config(STRICT)
class CogsRecordedV1(TypedDict):
    """What the goods of a sale had cost leaves the inventory."""

    amount_minor: AmountMinor
    currency: Currency
    sale_id: Identifier


@with_config(STRICT)
class InventoryAdjustedV1(TypedDict):
    """The inventory is worth more or less than the books say."""

    adjustment_id: Identifier
    amount_minor: AmountMinor
    currency: Currency
    direction: Annotated[Literal["increase", "decrease"], Field(description="Of what the inventory is worth")]
    reason: Literal["correction", "write_off"]
    reference: Annotated[Identifier, Field(description="What it rests on", examples=["stock-take-2026-10"])]
