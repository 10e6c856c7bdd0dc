"""The answers on the wire, by subject: amounts as digits with currency and scale, sides by name, times in UTC."""

from api.query.wire.accounts import (
    Account,
    AccountAnswer,
    AccountPage,
    BalanceAnswer,
    Day,
    DayPage,
    StatementAnswer,
    StatementEntry,
)
from api.query.wire.base import Amount, Balance, Digits, NextCursor, Position, Wire
from api.query.wire.books import Book, BookPage, Follower, LagAnswer
from api.query.wire.changes import AccountChange, AccountLimits, LogRecord, Origin
from api.query.wire.payments import PaymentAnswer
from api.query.wire.reports import CurrencyTotal, Finding, FindingPage, TrialBalanceAnswer, TypeTotal
from api.query.wire.service import (
    Dependency,
    HealthAnswer,
    Index,
    LiveAnswer,
    ProblemKindAnswer,
    ProblemTable,
    ReadyAnswer,
)
from api.query.wire.vouchers import Cause, Decision, EventAnswer, VoucherAnswer, VoucherLine, VoucherLink

__all__ = [
    "Account",
    "AccountAnswer",
    "AccountChange",
    "AccountLimits",
    "AccountPage",
    "Amount",
    "Balance",
    "BalanceAnswer",
    "Book",
    "BookPage",
    "Cause",
    "CurrencyTotal",
    "Day",
    "DayPage",
    "Decision",
    "Dependency",
    "Digits",
    "EventAnswer",
    "Finding",
    "FindingPage",
    "Follower",
    "HealthAnswer",
    "Index",
    "LagAnswer",
    "LiveAnswer",
    "LogRecord",
    "NextCursor",
    "Origin",
    "PaymentAnswer",
    "Position",
    "ProblemKindAnswer",
    "ProblemTable",
    "ReadyAnswer",
    "StatementAnswer",
    "StatementEntry",
    "TrialBalanceAnswer",
    "TypeTotal",
    "VoucherAnswer",
    "VoucherLine",
    "VoucherLink",
    "Wire",
]
