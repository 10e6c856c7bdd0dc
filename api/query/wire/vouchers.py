"""Vouchers on the wire, and what became of upstream events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import Field

from api.query.wire.base import Amount, Balance, Position, Wire
from projections.queries import amounts, events, vouchers


class Cause(Wire):
    source: str
    event_id: str
    event_type: str
    revision: int
    topic: str
    partition: int
    offset: int

    @classmethod
    def of(cls, cause: vouchers.Cause) -> Self:
        return cls.model_validate(cause, from_attributes=True)


class VoucherLine(Wire):
    line: int
    account: str
    amount: Balance
    purpose: str


class VoucherLink(Wire):
    voucher_no: int
    position: Position

    @classmethod
    def all_of(cls, links: Sequence[vouchers.VoucherLink]) -> list[Self]:
        return [cls(voucher_no=link.voucher_no, position=link.position) for link in links]


class Quote(Wire):
    """The rate of an exchange, as it was given."""

    rate: str = Field(description="Units of `counter` for one of `base`: an exact decimal, never computed again")
    base: str
    counter: str
    provider: str
    source: str
    quoted_at: datetime
    age_seconds: int = Field(description="How long before the voucher took effect it was quoted")
    stale: bool = Field(description="Whether that was longer than the book's chart allowed then")

    @classmethod
    def of(cls, quote: vouchers.Quote) -> Self:
        return cls.model_validate(quote, from_attributes=True)


class VoucherAnswer(Wire):
    book: str
    voucher_no: int
    position: Position
    kind: str
    rule: str = Field(description="Posting rule and its version")
    chart_version: int = Field(description="Version of the book's chart by which it was posted")
    order_key: str
    amount: Amount
    effective_at: datetime
    recorded_at: datetime
    cause: Cause
    lines: list[VoucherLine]
    reverses: list[VoucherLink] = Field(description="What this voucher takes back; a payment's void all its captures")
    reversed_by: VoucherLink | None = Field(description="The voucher that took this one back")
    compensates: VoucherLink | None = Field(description="The voucher that this one makes good")
    compensated_by: list[VoucherLink] = Field(description="Vouchers that make this one good")
    quote: Quote | None = Field(description="Of an exchange: the rate between its currencies")
    group: list[int] = Field(
        description="Numbers of the vouchers that posted together with it, its own among them; empty where it is alone"
    )

    @classmethod
    def of(cls, book: str, voucher: vouchers.Voucher) -> Self:
        return cls(
            book=book, voucher_no=voucher.voucher_no, position=voucher.position, kind=voucher.kind,
            rule=voucher.rule, chart_version=voucher.chart_version, order_key=voucher.order_key,
            amount=Amount.of(voucher.amount),
            effective_at=voucher.effective_at, recorded_at=voucher.recorded_at,
            cause=Cause.of(voucher.cause),
            lines=[
                VoucherLine(
                    line=line.line, account=line.account, purpose=line.purpose,
                    amount=Balance.at(amounts.Balance(line.amount, line.side)),
                )
                for line in voucher.lines
            ],
            reverses=VoucherLink.all_of(voucher.links.reverses),
            reversed_by=next(iter(VoucherLink.all_of(voucher.links.reversed_by)), None),
            compensates=next(iter(VoucherLink.all_of(voucher.links.compensates)), None),
            compensated_by=VoucherLink.all_of(voucher.links.compensated_by),
            quote=Quote.of(voucher.quote) if voucher.quote is not None else None,
            group=voucher.group,
        )  # fmt: skip


class Decision(Wire):
    revision: int
    outcome: str = Field(description="POSTED, RECORDED, REJECTED, PARKED or SKIPPED")
    position: Position
    voucher_no: int | None
    code: str = Field(description="Why it was not posted; empty where it was")
    detail: str
    waits_for: str = Field(description="What a parked event waits for")
    event_type: str
    order_key: str
    effective_at: datetime
    recorded_at: datetime
    topic: str
    partition: int
    offset: int

    @classmethod
    def of(cls, decision: events.Decision) -> Self:
        return cls.model_validate(decision, from_attributes=True)


class EventAnswer(Wire):
    book: str
    position: Position
    source: str
    id: str
    outcome: str = Field(description="The one that counts: that of the highest revision")
    voucher_no: int | None
    revisions: list[Decision]
    conflicts: list[Decision] = Field(description="Refused: the same id with another payload")

    @classmethod
    def of(cls, book: str, position: int, found: events.EventOutcome) -> Self:
        return cls(
            book=book, position=position, source=found.source, id=found.event_id, outcome=found.current.outcome,
            voucher_no=found.current.voucher_no, revisions=[Decision.of(each) for each in found.revisions],
            conflicts=[Decision.of(each) for each in found.conflicts],
        )  # fmt: skip
