"""What an event says beside what every event says, on the wire: only the members that it has."""

from collections.abc import Mapping
from typing import Annotated, Literal, NotRequired, cast

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from api.query.wire.base import Amount
from api.query.wire.vouchers import Quote
from projections.queries import amounts, vouchers

OPEN = ConfigDict(extra="allow")
"""A later version may say more."""


class LegDetails(TypedDict):
    """Of a split capture, with `id` and `net`; of what follows it what the beneficiary bears, commission included."""

    id: NotRequired[str]
    beneficiary: str
    amount: Amount
    commission: Amount
    net: NotRequired[Amount]


@with_config(OPEN)
class DrawerDetails(TypedDict, total=False):
    status: Literal["OPEN", "CLOSED"]
    counted: Amount
    expected: Amount
    over: Amount
    short: Amount


@with_config(OPEN)
class HoldDetails(TypedDict, total=False):
    status: str
    account: str
    side: Literal["debit", "credit"]
    released: Amount
    tolerance_bps: int
    expires_at: str


class PeriodMoved(TypedDict):
    """From a closed period to an open one: when it really happened, and in which period."""

    effective_at: str
    period: str


class AdjustmentDetails(TypedDict):
    reason: str
    reference: str


@with_config(OPEN)
class EventDetails(TypedDict, total=False):
    """Members that an event does not have are absent. Amounts across currencies are what was credited."""

    method: str
    partial: bool
    order_status: Literal["SHIPPED", "DELIVERED"]
    gateway_transaction_id: str
    gateway_response: str
    confirmed_by: str
    confirmed_at: str
    custody: Literal["escrow", "direct"]
    commission: Amount
    legs: list[LegDetails]
    commissions: Annotated[dict[str, Amount], Field(description="By beneficiary")]
    exchanged: Annotated[Amount, Field(description="What was credited, or went back, in the beneficiaries' currency")]
    quote: Quote
    fee: Amount
    platform_fee: Literal["kept"]
    reference: str
    reason: str
    memo: str
    metadata: dict[str, str]
    adjustment: AdjustmentDetails
    requested_by: str
    opened_by: str
    closed_by: str
    received_by: str
    approved_by: str
    cleared_by: str
    signed_off_by: list[str]
    to: str
    customer: str
    sweep: str
    keep: Annotated[Amount, Field(description="What the account of a sweep keeps")]
    drawer: DrawerDetails
    hold: HoldDetails
    brand: str
    last_four: str
    status: Annotated[str, Field(description="Of a settlement profile or a verification")]
    rails: list[str]
    bank_account_ref: Annotated[dict[str, str], Field(description="Without the middle of an IBAN")]
    base: str
    counter: str
    rate: str
    provider: str
    source: str
    published_at: str
    valid_until: str
    late: PeriodMoved
    closed_period: PeriodMoved


def details_on_wire(details: Mapping[str, object]) -> EventDetails:
    """Amounts and quotes as the wire has them."""
    return cast(EventDetails, _wire(details))


def _wire(value: object) -> object:
    match value:
        case amounts.Amount():
            return Amount.of(value)
        case vouchers.Quote():
            return Quote.of(value)
        case Mapping():
            return {name: _wire(inner) for name, inner in value.items()}
        case list():
            return [_wire(inner) for inner in value]
    return value
