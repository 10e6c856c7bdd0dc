"""Transfers on the wire, with their deposits and what of them waits."""

from datetime import datetime
from typing import Self

from pydantic import Field

from api.query.wire.base import Amount, NextCursor, Position, Wire
from api.query.wire.payments import Part, TimelineEvent
from projections.queries import transfers


class Transfer(Wire):
    transfer_id: str
    state: str = Field(
        description="REQUESTED, INFLOW_PARTIAL, FUNDED, UNDER_REVIEW, BLOCKED, SETTLED, FAILED or COMPENSATED"
    )
    monitoring: str = Field(description="PASSED, FLAGGED or BLOCKED; empty where monitoring has said nothing")
    approvals: int = Field(description="Distinct persons that approved")
    reference: str = Field(description="What it is for; empty where nobody said")
    failure_reason: str = Field(description="In the words of the publishing service; empty where it did not fail")
    amount: Amount = Field(description="What was requested")
    received: Amount = Field(description="Deposits that were received and did not go back")
    compensated: Amount = Field(description="Deposits that went back")
    first_effective_at: datetime = Field(description="When its first step happened")
    last_effective_at: datetime
    last_position: Position

    @classmethod
    def of(cls, found: transfers.Transfer) -> Self:
        return cls(
            transfer_id=found.transfer_id, state=found.state, monitoring=found.monitoring, approvals=found.approvals,
            reference=found.reference, failure_reason=found.failure_reason, amount=Amount.of(found.amount),
            received=Amount.of(found.received), compensated=Amount.of(found.compensated),
            first_effective_at=found.first_effective_at, last_effective_at=found.last_effective_at,
            last_position=found.last_position,
        )  # fmt: skip


class TransferPage(Wire):
    book: str
    position: Position = Field(description="How far the projection has come")
    transfers: list[Transfer]
    next_cursor: NextCursor


class Waiting(Wire):
    """An event that is parked."""

    event_id: str
    source: str
    code: str
    detail: str
    waits_for: str = Field(description="A gate, such as `gate:approval:2:EUR:5000`, an event, an account …")
    parked_at: int


class Waits(Wire):
    position: Position = Field(description="Exact at this position of the book, however far the projection has come")
    events: list[Waiting]

    @classmethod
    def of(cls, waits: transfers.Waits) -> Self:
        return cls.model_validate(waits, from_attributes=True)


class TransferAnswer(Transfer):
    book: str
    position: Position = Field(description="How far the projection has come")
    deposits: list[Part] = Field(description="ANNOUNCED, RECEIVED or COMPENSATED")
    approved_by: list[str]
    waits: Waits
    timeline: list[TimelineEvent] = Field(description="Its accepted events; refused ones, too, are in its timeline")

    @classmethod
    def story_of(cls, book: str, position: int, story: transfers.TransferStory) -> Self:
        return cls(
            book=book, position=position, deposits=[Part.of(part) for part in story.deposits],
            approved_by=list(story.approved_by), waits=Waits.of(story.waits),
            timeline=TimelineEvent.all_of(story.timeline), **dict(Transfer.of(story.transfer)),
        )  # fmt: skip
