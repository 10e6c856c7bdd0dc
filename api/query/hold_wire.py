"""Holds on the wire."""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from api.query.wire import Amount, NextCursor, Position, Wire
from projections.queries import holds

Status = Literal["PLACED", "PARTIALLY_CAPTURED", "CAPTURED", "RELEASED", "EXPIRED"]


class Hold(Wire):
    hold_id: str
    account: str
    status: Status
    side: Literal["debit", "credit"] = Field(description="The side that its captures post on the account")
    amount: Amount
    captured: Amount
    released: Amount = Field(description="Given back by a release, a final capture or expiry")
    held: Amount = Field(description="What it still keeps back")
    capture_tolerance_bps: int = Field(description="How far captures may exceed the amount, in basis points of it")
    expires_at: datetime | None
    placed_position: Position
    closed_position: Position | None = Field(description="Null while it is open")

    @classmethod
    def of(cls, hold: holds.Hold) -> Self:
        return cls.model_validate({
            "hold_id": hold.hold_id, "account": hold.account, "status": hold.status.value, "side": hold.side.value,
            "amount": Amount.of(hold.amount), "captured": Amount.of(hold.captured),
            "released": Amount.of(hold.released), "held": Amount.of(hold.held),
            "capture_tolerance_bps": hold.capture_tolerance_bps, "expires_at": hold.expires_at,
            "placed_position": hold.placed_position, "closed_position": hold.closed_position,
        })  # fmt: skip


class HoldAnswer(Hold):
    book: str
    position: Position


class HoldPage(Wire):
    book: str
    position: Position
    holds: list[Hold]
    next_cursor: NextCursor
