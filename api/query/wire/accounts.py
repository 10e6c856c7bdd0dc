"""Accounts on the wire: their balances, statements and days."""

from datetime import date, datetime
from typing import Literal, Self

from pydantic import Field

from api.query.wire.base import Amount, Balance, NextCursor, Position, Wire
from api.query.wire.changes import AccountChange, AccountLimits
from projections.queries import accounts, amounts, daily_balances, statements


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
    limits: AccountLimits

    @classmethod
    def of(cls, account: accounts.Account) -> Self:
        return cls.model_validate({
            "account": account.code, "type": account.type, "role": account.role, "keyed": account.keyed,
            "status": account.status, "entries": account.entries, "debits": Amount.of(account.debits),
            "credits": Amount.of(account.credits), "balance": Balance.at(account.balance),
            "held": Amount.of(account.held), "available": Balance.at(account.available),
            "limits": AccountLimits.of(account.limits),
        })  # fmt: skip


class AccountAnswer(Account):
    book: str
    position: Position
    changes: list[AccountChange] = Field(description="What became of it besides entries, newest first; at most 100")


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
