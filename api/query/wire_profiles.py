"""Settlement profiles on the wire."""

from typing import Literal, Self

from pydantic import Field

from api.query.wire import NextCursor, Position, Wire
from projections.queries import profiles

Status = Literal["VERIFIED", "PENDING", "REJECTED", "SUSPENDED"]


class SettlementProfile(Wire):
    """Whether a beneficiary may be paid out, and to where, as it was told last."""

    beneficiary: str = Field(description="Code of its account")
    status: str = Field(description="VERIFIED, PENDING, REJECTED or SUSPENDED")
    verified: bool = Field(description="Captures may be split to it")
    rails: list[str]
    bank_account_ref: dict[str, str] = Field(description="As much of it as is kept: of an IBAN the ends")
    revision: int = Field(description="How often it was told")

    @classmethod
    def of(cls, profile: profiles.SettlementProfile) -> Self:
        return cls.model_validate(profile, from_attributes=True)


class ProfileAnswer(SettlementProfile):
    book: str
    position: Position


class ProfilePage(Wire):
    book: str
    position: Position
    profiles: list[SettlementProfile]
    next_cursor: NextCursor
