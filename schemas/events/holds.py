"""Hold events, version 1: money of an account promised, taken whole or in parts, or given back.

The `subject` of each is the id of the hold: its events stay in order.
"""

from typing import Annotated, Literal, NotRequired

from pydantic import AfterValidator, Field, with_config
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from schemas.events.payments import STRICT, AccountCode, AmountMinor, Currency, Identifier, Reason
from schemas.events.vouchers import LinePurpose, Memo, Metadata, _is_time

ExpiresAt = Annotated[
    str,
    AfterValidator(_is_time),
    Field(
        description="When what is still held is given back, RFC 3339; never if absent",
        examples=["2026-10-09T10:15:30Z"],
        json_schema_extra={"format": "date-time"},
    ),
]
ToleranceBps = Annotated[
    int,
    Field(ge=0, le=10_000, description="How far captures may exceed the hold, in basis points of it; 0 if absent"),
]
Side = Annotated[
    Literal["debit", "credit"],
    Field(description="The side that captures post on the account; if absent the one that lowers its balance"),
]
Final = Annotated[bool, Field(description="True for the last capture: what is left is given back")]


@with_config(STRICT)
class HoldPlacedV1(TypedDict):
    """Money of an account is promised. Recorded, without entries: it lowers what is available."""

    account: AccountCode
    amount_minor: AmountMinor
    capture_tolerance_bps: NotRequired[ToleranceBps]
    currency: Currency
    expires_at: NotRequired[ExpiresAt]
    hold_id: Identifier
    memo: NotRequired[Memo]
    side: NotRequired[Side]


@with_config(STRICT)
class TakerData(TypedDict):
    """An account that gets a part of a capture."""

    account: AccountCode
    amount_minor: AmountMinor
    purpose: NotRequired[LinePurpose]


@with_config(STRICT)
class HoldCapturedV1(TypedDict):
    """What was held is taken, whole or in part, and goes to `to`; `final` gives the rest back.

    `amount_minor`, if given, is the sum of its parts.
    """

    amount_minor: NotRequired[AmountMinor]
    final: NotRequired[Final]
    hold_id: Identifier
    memo: NotRequired[Memo]
    metadata: NotRequired[Metadata]
    to: Annotated[list[TakerData], Field(min_length=1, max_length=999)]


@with_config(STRICT)
class HoldReleasedV1(TypedDict):
    """What is still held is given back."""

    hold_id: Identifier
    reason: NotRequired[Reason]


HoldData = HoldPlacedV1 | HoldCapturedV1 | HoldReleasedV1
