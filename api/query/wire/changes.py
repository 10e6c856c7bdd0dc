"""What becomes of an account besides its entries, on the wire: its limits, and who froze or closed it and why."""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from api.query.wire.base import Balance, Position, Wire
from projections.queries import account_changes, accounts


class AccountLimits(Wire):
    """Kept within these: `deny` refuses what passes a limit, `warn` posts and tells it, `allow` informs."""

    minimum: Balance | None = Field(description="The least that may be available; null for none")
    maximum: Balance | None = Field(description="The most that may be posted; null for none")
    policy: Literal["allow", "warn", "deny"]

    @classmethod
    def of(cls, limits: accounts.AccountLimits) -> Self:
        return cls.model_validate({
            "minimum": Balance.at(limits.minimum) if limits.minimum else None,
            "maximum": Balance.at(limits.maximum) if limits.maximum else None,
            "policy": limits.policy,
        })  # fmt: skip


class LogRecord(Wire):
    topic: str
    partition: int
    offset: int


class Origin(Wire):
    source: str
    event_id: str
    event_type: str
    revision: int
    record: LogRecord | None = Field(description="Where the upstream event stands; null for what came by no topic")


class AccountChange(Wire):
    number: int = Field(description="1 for the opening, then counted without gaps")
    position: Position
    recorded_at: datetime
    change: Literal["opened", "limits_set", "frozen", "unfrozen", "closed"]
    reason: str
    limits: AccountLimits | None = Field(description="Those that were set; null where none were")
    persons: dict[str, str] = Field(description="By what they did, such as requested_by")
    origin: Origin | None = Field(description="The upstream event that asked for it; null for a command")

    @classmethod
    def of(cls, change: account_changes.AccountChange) -> Self:
        limits = AccountLimits.of(change.limits) if change.limits else None
        return cls.model_validate(
            {
                "number": change.number, "position": change.position, "recorded_at": change.recorded_at,
                "change": change.change, "reason": change.reason, "limits": limits, "persons": change.persons,
                "origin": change.origin,
            },
            from_attributes=True,
        )  # fmt: skip
