"""The answers on the wire: amounts as digits with currency and scale, sides by name, times in UTC."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from projections.queries import (
    accounts,
    amounts,
    books,
    daily_balances,
    events,
    findings,
    health,
    payments,
    statements,
    trial_balances,
    vouchers,
)

Digits = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,37})$", examples=["10000"])]
Position = Annotated[int, Field(ge=0, description="Place in the log of the book")]
NextCursor = Annotated[str | None, Field(description="Cursor of the next page; null on the last one")]


class Wire(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True)


class Amount(Wire):
    """Never signed; whole units are amount_minor / 10 ** scale."""

    amount_minor: Digits
    currency: Annotated[str, Field(examples=["BRL"])]
    scale: Annotated[int, Field(ge=0, le=9)]

    @classmethod
    def of(cls, amount: amounts.Amount) -> Self:
        return cls(amount_minor=str(amount.minor), currency=amount.currency, scale=amount.scale)


class Balance(Amount):
    """An amount and the side on which it stands; `none` only when it is zero."""

    side: Literal["debit", "credit", "none"]

    @classmethod
    def at(cls, balance: amounts.Balance) -> Self:
        amount = balance.amount
        return cls(
            amount_minor=str(amount.minor), currency=amount.currency, scale=amount.scale, side=balance.side.value
        )


class Book(Wire):
    book: str
    position: Position
    last_voucher_no: int
    recorded_at: datetime | None = Field(description="When the last event was written")
    posting_mode: str = Field(description="open, or halted by an operator")
    closed_through: datetime | None = Field(description="End of the last closed period")

    @classmethod
    def of(cls, book: books.Book) -> Self:
        return cls(
            book=book.code, position=book.position, last_voucher_no=book.voucher_no, recorded_at=book.recorded_at,
            posting_mode=book.posting_mode, closed_through=book.closed_through,
        )  # fmt: skip


class BookPage(Wire):
    books: list[Book]
    next_cursor: NextCursor


class Account(Wire):
    account: str
    type: str = Field(description="asset, liability, equity, revenue or expense")
    role: str = Field(description="Role of a control account; empty for others")
    keyed: bool = Field(description="Whether it is kept per order key, and should reach zero for each")
    status: Literal["open", "frozen", "closed"]
    entries: int
    debits: Amount
    credits: Amount
    balance: Balance
    held: Amount = Field(description="What open holds keep back of it")
    available: Balance = Field(description="The balance less what is held")

    @classmethod
    def of(cls, account: accounts.Account) -> Self:
        return cls.model_validate({
            "account": account.code, "type": account.type, "role": account.role, "keyed": account.keyed,
            "status": account.status, "entries": account.entries, "debits": Amount.of(account.debits),
            "credits": Amount.of(account.credits), "balance": Balance.at(account.balance),
            "held": Amount.of(account.held), "available": Balance.at(account.available),
        })  # fmt: skip


class AccountAnswer(Account):
    book: str
    position: Position


class AccountPage(Wire):
    book: str
    position: Position
    accounts: list[Account]
    next_cursor: NextCursor


class BalanceAnswer(Wire):
    book: str
    position: Position = Field(description="The balance is as it was known at this position")
    effective_at: date | None = Field(description="Last UTC day of what is in it, inclusive; null where all of it is")
    account: str
    type: str
    balance: Balance
    entries: int = Field(description="Number of entries that are in it")
    posting_sequence: int = Field(description="Number of entries that were known at the position")
    last_entry_position: int = Field(description="Position of the last of these; 0 before the first")

    @classmethod
    def of(cls, book: str, balance: accounts.BalanceAt) -> Self:
        return cls(
            book=book, position=balance.position, account=balance.code, type=balance.type,
            balance=Balance.at(balance.balance), posting_sequence=balance.posting_sequence,
            last_entry_position=balance.last_entry_position, entries=balance.entries,
            effective_at=balance.effective_at,
        )  # fmt: skip


class StatementEntry(Wire):
    posting_sequence: int
    position: Position
    voucher_no: int
    line: int
    amount: Balance
    balance: Balance = Field(description="Of the account after this entry")
    purpose: str
    order_key: str
    effective_at: datetime
    recorded_at: datetime

    @classmethod
    def of(cls, entry: statements.StatementEntry) -> Self:
        return cls(
            posting_sequence=entry.posting_sequence, position=entry.position, voucher_no=entry.voucher_no,
            line=entry.line, amount=Balance.at(amounts.Balance(entry.amount, entry.side)),
            balance=Balance.at(entry.balance), purpose=entry.purpose, order_key=entry.order_key,
            effective_at=entry.effective_at, recorded_at=entry.recorded_at,
        )  # fmt: skip


class StatementAnswer(Wire):
    book: str
    position: Position = Field(description="The statement is as it was known at this position, on every page")
    account: str
    entries_in_all: int
    entries: list[StatementEntry]
    next_cursor: NextCursor


class Cause(Wire):
    source: str
    event_id: str
    event_type: str
    revision: int
    topic: str
    partition: int
    offset: int


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


class VoucherAnswer(Wire):
    book: str
    voucher_no: int
    position: Position
    kind: str
    rule: str
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

    @classmethod
    def of(cls, book: str, voucher: vouchers.Voucher) -> Self:
        cause = voucher.cause
        return cls(
            book=book, voucher_no=voucher.voucher_no, position=voucher.position, kind=voucher.kind,
            rule=voucher.rule, order_key=voucher.order_key, amount=Amount.of(voucher.amount),
            effective_at=voucher.effective_at, recorded_at=voucher.recorded_at,
            cause=Cause(
                source=cause.source, event_id=cause.event_id, event_type=cause.event_type,
                revision=cause.revision, topic=cause.topic, partition=cause.partition, offset=cause.offset,
            ),
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


class TypeTotal(Wire):
    type: str
    accounts: int | None = Field(description="Those that have an entry in it, where it is in two times; else all")
    entries: int
    debits: Amount
    credits: Amount


class CurrencyTotal(Wire):
    currency: str
    debits: Amount
    credits: Amount
    difference: Balance = Field(description="Zero, or the ledger is wrong")
    types: list[TypeTotal]

    @classmethod
    def of(cls, total: trial_balances.CurrencyTotal) -> Self:
        return cls(
            currency=total.currency, debits=Amount.of(total.debits), credits=Amount.of(total.credits),
            difference=Balance.at(total.difference),
            types=[
                TypeTotal(
                    type=each.type, accounts=each.accounts, entries=each.entries,
                    debits=Amount.of(each.debits), credits=Amount.of(each.credits),
                )
                for each in total.types
            ],
        )  # fmt: skip


class TrialBalanceAnswer(Wire):
    book: str
    position: Position
    through: date | None = Field(description="As asked for: by day, from the projection")
    effective_at: date | None = Field(description="As asked for: in two times, from the store")
    currencies: list[CurrencyTotal]


class Finding(Wire):
    code: str
    subject: str
    state: Literal["OPEN", "RESOLVED"]
    difference: Balance | None = Field(description="On the side that has too much; null where there is no amount")
    detail: dict[str, object]
    opened_at_position: int
    first_seen_at: datetime
    resolved_at_position: int | None
    reopened: int
    changed_at: datetime

    @classmethod
    def of(cls, finding: findings.Finding) -> Self:
        return cls.model_validate({
            "code": finding.code, "subject": finding.subject, "state": finding.state, "detail": finding.detail,
            "difference": Balance.at(finding.difference) if finding.difference else None,
            "opened_at_position": finding.opened_at_position, "first_seen_at": finding.first_seen_at,
            "resolved_at_position": finding.resolved_at_position, "reopened": finding.reopened,
            "changed_at": finding.changed_at,
        })  # fmt: skip


class FindingPage(Wire):
    book: str
    position: Position = Field(description="What the latest complete scan saw")
    findings: list[Finding]
    next_cursor: NextCursor


class PaymentAnswer(Wire):
    book: str
    position: Position = Field(description="How far the projection of payments has come")
    order_key: str
    status: str
    authorised: Amount
    captured: Amount
    refunded: Amount
    voided: Amount
    paid_out: Amount
    captures: int
    refunds: int
    first_effective_at: datetime
    last_effective_at: datetime
    last_position: int

    @classmethod
    def of(cls, book: str, position: int, payment: payments.Payment) -> Self:
        return cls(
            book=book, position=position, order_key=payment.order_key, status=payment.status,
            authorised=Amount.of(payment.authorised), captured=Amount.of(payment.captured),
            refunded=Amount.of(payment.refunded), voided=Amount.of(payment.voided),
            paid_out=Amount.of(payment.paid_out), captures=payment.captures, refunds=payment.refunds,
            first_effective_at=payment.first_effective_at, last_effective_at=payment.last_effective_at,
            last_position=payment.last_position,
        )  # fmt: skip


class Day(Wire):
    day: date
    entries: int
    debits: Amount
    credits: Amount

    @classmethod
    def of(cls, day: daily_balances.DailyBalance) -> Self:
        return cls(day=day.day, entries=day.entries, debits=Amount.of(day.debits), credits=Amount.of(day.credits))


class DayPage(Wire):
    book: str
    position: Position = Field(description="How far the projection of daily balances has come")
    account: str
    days: list[Day]
    next_cursor: NextCursor


class Follower(Wire):
    name: str
    position: Position
    lag_positions: int
    stopped_code: str = Field(description="Why it will not go on; empty while it does")

    @classmethod
    def of(cls, follower: health.Follower) -> Self:
        return cls.model_validate(follower, from_attributes=True)


class LagAnswer(Wire):
    book: str
    position: Position
    followers: list[Follower]


class Dependency(Wire):
    ok: bool
    reason: str = Field(description="Empty when all is well")


class HealthAnswer(Wire):
    ok: bool = Field(description="This process is healthy")
    ready: bool = Field(description="The posting path can really be used")
    dependencies: dict[str, Dependency]


class LiveAnswer(Wire):
    ok: Literal[True] = True


class ReadyAnswer(Wire):
    ready: Literal[True] = True


class ProblemKindAnswer(Wire):
    code: str
    status: int
    title: str
    what_to_do: str


class ProblemTable(Wire):
    problems: list[ProblemKindAnswer]


class Index(Wire):
    service: str
    links: dict[str, str]
