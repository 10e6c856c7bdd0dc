"""The answers that explain a balance or a voucher, on the wire."""

from datetime import date, datetime
from typing import Any, Self

from pydantic import Field

from api.query.wire import AccountChange, Amount, Balance, NextCursor, Origin, Position, VoucherLine, Wire
from projections.queries import amounts, explained_sums, explanations, vouchers


def _line(line: vouchers.VoucherLine) -> VoucherLine:
    amount = Balance.at(amounts.Balance(line.amount, line.side))
    return VoucherLine(line=line.line, account=line.account, amount=amount, purpose=line.purpose)


class ExplainedVoucher(Wire):
    voucher_no: int
    position: int
    block_number: int = Field(description="The block of the book's chain that seals it")
    kind: str
    rule: str = Field(description="Posting rule and its version")
    chart_version: int = Field(description="Version of the book's chart by which it was posted")
    order_key: str
    memo: str
    effective_at: datetime
    recorded_at: datetime
    origin: Origin
    reverses: list[int] = Field(description="Numbers of the vouchers that this one mirrors")
    compensates: list[int] = Field(description="Numbers of the vouchers that this one makes good; one at most")
    group: list[int] = Field(
        description="Numbers of the vouchers that posted together with it, its own among them; empty where it is alone"
    )
    persons: dict[str, str] = Field(description="By what they did: operator, requested_by, approved_by, confirmed_by")
    details: dict[str, Any] = Field(description="What else its event says, such as metadata, adjustment or quote")

    @classmethod
    def of(cls, voucher: explanations.ExplainedVoucher) -> Self:
        return cls.model_validate(voucher, from_attributes=True)


class ExplainedEntry(Wire):
    posting_sequence: int
    line: int
    amount: Balance
    balance: Balance = Field(description="Of the account after this entry")
    purpose: str
    voucher: ExplainedVoucher
    other_lines: list[VoucherLine] = Field(description="The voucher's lines but this one")

    @classmethod
    def of(cls, entry: explanations.ExplainedEntry) -> Self:
        return cls(
            posting_sequence=entry.posting_sequence,
            line=entry.line,
            amount=Balance.at(amounts.Balance(entry.amount, entry.side)),
            balance=Balance.at(entry.balance),
            purpose=entry.purpose,
            voucher=ExplainedVoucher.of(entry.voucher),
            other_lines=[_line(line) for line in entry.voucher.lines if line.line != entry.line],
        )


class Moved(Wire):
    name: str = Field(description="Kind of the vouchers, or code of the counter-account")
    entries: int
    debits: Amount
    credits: Amount

    @classmethod
    def of(cls, moved: explained_sums.Moved) -> Self:
        return cls(
            name=moved.name, entries=moved.entries, debits=Amount.of(moved.debits), credits=Amount.of(moved.credits)
        )


class Sums(Wire):
    """`opening` and what moved since then make the balance exactly, by kind as well as by counter-account."""

    first_entry: int = Field(description="The first entry that is summed")
    entries: int
    opening: Balance = Field(description="Zero, but where more entries followed the last zero than are summed")
    by_kind: list[Moved]
    by_counter_account: list[Moved]

    @classmethod
    def of(cls, sums: explained_sums.Sums) -> Self:
        return cls(
            first_entry=sums.first_entry,
            entries=sums.entries,
            opening=Balance.at(sums.opening),
            by_kind=[Moved.of(each) for each in sums.by_kind],
            by_counter_account=[Moved.of(each) for each in sums.by_counter_account],
        )


class ExplanationAnswer(Wire):
    book: str
    position: Position = Field(description="All is as it was known at this position, on every page")
    account: str
    type: str
    balance: Balance
    first_entry: int = Field(
        description="Entries from this one on make the balance; before it the account stood at zero"
    )
    entries_in_all: int = Field(description="Number of the last entry; at a date, how many entries make the balance")
    effective_at: date | None = Field(description="Of what took effect through this day, when it was asked for")
    sums: Sums | None = Field(description="On the first page of entries=since_zero")
    entries: list[ExplainedEntry]
    changes: list[AccountChange] = Field(
        description="On the first page: what became of the account besides entries, newest first; at most 100"
    )
    next_cursor: NextCursor

    @classmethod
    def of(
        cls, book: str, found: explanations.Explanation, sums: explained_sums.Sums | None, next_cursor: str | None
    ) -> Self:
        return cls(
            book=book,
            position=found.position,
            account=found.code,
            type=found.type,
            balance=Balance.at(found.balance),
            first_entry=found.first_entry,
            entries_in_all=found.entries_in_all,
            effective_at=found.effective_at,
            sums=None if sums is None else Sums.of(sums),
            entries=[ExplainedEntry.of(entry) for entry in found.entries],
            changes=[AccountChange.of(change) for change in found.changes],
            next_cursor=next_cursor,
        )


class LeftLine(VoucherLine):
    balance: Balance = Field(description="Of the account after this line")


class GroupMember(ExplainedVoucher):
    lines: list[VoucherLine]

    @classmethod
    def of(cls, voucher: explanations.ExplainedVoucher) -> Self:
        said = dict(ExplainedVoucher.of(voucher))
        return cls(**said, lines=[_line(line) for line in voucher.lines])


class VoucherExplanationAnswer(Wire):
    book: str
    position: Position
    voucher: ExplainedVoucher
    lines: list[LeftLine]
    group_others: list[GroupMember] = Field(description="The other vouchers of its group, in their order")

    @classmethod
    def of(cls, book: str, found: explanations.VoucherExplanation) -> Self:
        lines = [
            LeftLine(**dict(_line(line)), balance=Balance.at(balance))
            for line, balance in zip(found.voucher.lines, found.balances, strict=True)
        ]
        return cls(
            book=book,
            position=found.voucher.position,
            voucher=ExplainedVoucher.of(found.voucher),
            lines=lines,
            group_others=[GroupMember.of(other) for other in found.group_others],
        )
