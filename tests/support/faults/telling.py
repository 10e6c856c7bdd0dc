"""An event in the making, the ledger that it meets, and what is wrong with any that credits accounts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.demo.messages import Message
from ledger_core.domain.outcomes import Code
from tests.support.account_events import closed, frozen, opened
from tests.support.hold_events import LONG_AGO
from tests.support.postings import BOOK, TIME, captured, event

MOST = 10**18 - 1
FULL = "wallet:full"
"""An account whose credits come near what a counter can hold, once `FILLED` is posted."""
FILLED = [captured(f"filling-{n}", MOST, to=FULL) for n in range(9)]
TOO_MUCH = MOST // 2
"""More than it still holds."""
SEEN = captured("seen", event_id="seen")
"""An event whose id is used up once it is posted."""
POLICY = [{"source": "/psp", "types": ["*"]}]
MISSING_ROLE = "control:INVENTORY"
TEMPLATES = [
    {"pattern": "wallet:low:*", "type": "liability", "limits": {"minimum_minor": "0", "policy": "deny"}},
    {"pattern": "wallet:high:*", "type": "liability", "limits": {"maximum_minor": "0", "policy": "deny"}},
    {"pattern": "wallet:*", "type": "liability"},
    {"pattern": "cash:drawer:*", "type": "asset"},
]


@dataclass
class Telling:
    """One event in the making, and what is posted before it. Its number keeps its keys and accounts apart."""

    number: int
    kind: str
    data: dict[str, Any]
    time: str = TIME
    given_key: str = ""
    book: str = BOOK
    before: list[Message] = field(default_factory=list)
    credit: Callable[[str, int, str], None] = lambda account_change, amount, _currency: None
    """Lets an account get something."""
    debit: Callable[[str, int], None] = lambda account_change, amount: None

    def name(self, what: str) -> str:
        return f"{what}:{self.number}"

    @property
    def key(self) -> str:
        return self.given_key or self.name("key")

    def first(self, *messages: Message) -> None:
        self.before += [in_book(message, self.book) for message in messages]

    def message(self) -> Message:
        return event(self.kind, self.key, self.name("event"), self.data, time=self.time, book=self.book)


def in_book(message: Message, book: str) -> Message:
    """The same message to another book."""
    headers = tuple((name, book.encode() if name == "ce_ledgerbook" else value) for name, value in message.headers)
    return message._replace(headers=headers)


Fault = Callable[[Telling], None]


def parked(telling: Telling) -> None:
    telling.first(event("weather.changed.v1", telling.key, telling.name("parks"), {}))


def _currency_mismatch_of_account(telling: Telling) -> None:
    telling.first(opened(telling.name("wallet:dollar"), currency="USD"))
    telling.credit(telling.name("wallet:dollar"), 1, "EUR")


def _closed_account(telling: Telling) -> None:
    account = telling.name("wallet:closed")
    telling.first(opened(account), closed(account))
    telling.credit(account, 1, "EUR")


def _frozen_account(telling: Telling) -> None:
    account = telling.name("wallet:frozen")
    telling.first(opened(account), frozen(account))
    telling.credit(account, 1, "EUR")


def long_ago(telling: Telling) -> None:
    telling.time = LONG_AGO


ACCOUNTS: Mapping[Code, Fault] = {
    Code.CONTROL_ACCOUNT_MISSING: lambda telling: telling.credit(MISSING_ROLE, 1, "EUR"),
    Code.ACCOUNT_MISSING: lambda telling: telling.credit(telling.name("vault"), 1, "EUR"),
    Code.ACCOUNT_CURRENCY_MISMATCH: _currency_mismatch_of_account,
    Code.ACCOUNT_CLOSED: _closed_account,
    Code.ACCOUNT_FROZEN: _frozen_account,
    Code.LIMIT_MAXIMUM: lambda telling: telling.credit(telling.name("wallet:high"), 1, "EUR"),
    Code.PERIOD_CLOSED: long_ago,
    Code.OVERFLOW: lambda telling: telling.credit(FULL, TOO_MUCH, "EUR"),
}
"""Of any event that credits accounts which it names."""
DEBITED: Mapping[Code, Fault] = {
    **{code: fault for code, fault in ACCOUNTS.items() if code not in (Code.LIMIT_MAXIMUM, Code.OVERFLOW)},
    Code.LIMIT_MINIMUM: lambda telling: telling.credit(telling.name("wallet:low"), 1, "EUR"),
}
"""Of one that takes back what they got."""
