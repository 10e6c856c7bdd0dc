"""The answers about periods, on the wire."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from api.query.wire import Amount, Position, Wire
from projections.queries import periods

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Sealed(Wire):
    """The closing trial balance of a closed period, as its event holds it."""

    known_at_position: Position = Field(description="It holds what was recorded up to here")
    accounts: int = Field(description="Accounts that have an entry in it")
    totals: list[Amount] = Field(description="Per currency the sum of debits, which is that of credits")
    trial_balance: Sha256 = Field(description="SHA-256 of its canonical form; `verify` computes it again")


class Period(Wire):
    through: date = Field(description="Last day of the period, in UTC")
    after: date | None = Field(description="Last day of the period before it; null for the first")
    status: Literal["open", "closing", "closed"] = Field(description="open again, shut but not sealed yet, or closed")
    closings: int = Field(description="How often its closing was begun")
    event_position: Position = Field(description="Its latest event")
    recorded_at: datetime
    reason: str | None
    requested_by: str | None
    approved_by: str | None = Field(description="Who approved the reopening: another person than who asked for it")
    sealed: Sealed | None = Field(description="Null while it is not closed")

    @classmethod
    def of(cls, period: periods.Period) -> Self:
        return cls.model_validate({
            "through": period.through, "after": period.after, "status": period.status, "closings": period.closings,
            "event_position": period.position, "recorded_at": period.recorded_at, "reason": period.reason,
            "requested_by": period.requested_by, "approved_by": period.approved_by, "sealed": _sealed(period),
        })  # fmt: skip


class PeriodsAnswer(Wire):
    book: str
    position: Position
    periods: list[Period]


class PeriodAnswer(Period):
    book: str
    position: Position


def _sealed(period: periods.Period) -> dict[str, object] | None:
    if period.trial_balance is None:
        return None
    return {
        "known_at_position": period.known_at_position, "accounts": period.accounts,
        "totals": [Amount.of(total) for total in period.totals], "trial_balance": period.trial_balance,
    }  # fmt: skip
