"""Events of accounts on the exact path: their accounts looked up before the lock, read and written under it.

A batch without them comes here for nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import psycopg

from ledger_core.domain.account_facts import (
    ACCOUNT_FACTS,
    ACCOUNT_WAITED_FOR,
    AccountClosed,
    AccountFact,
    AccountOpened,
    AccountStand,
    AccountTerms,
)
from ledger_core.domain.cases import CLOSED, FROZEN, OPEN, Head, HeadKey, Movement
from ledger_core.domain.limits import Limits
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.vouchers import Line, Purpose
from ledger_core.store.account_events import account_originator_id
from ledger_core.store.books import Book
from ledger_core.store.items import Item
from ledger_core.store.named_sql import load_queries
from ledger_core.store.prepare import Preparer

QUERIES = load_queries("ledger_core.store", "accounts.sql")
ACCOUNT = (1 << 32) - 1
"""The account id in the key of a head: what stands above it is the book."""
Counters = tuple[int, int, int]
"""Of a head: posting sequence, and what is held of it by debits and credits."""


class AccountRows:
    """Accounts that events of a batch are about. `known` is what decisions read and change."""

    def __init__(
        self, cursor: psycopg.Cursor[Any], keys: Mapping[HeadKey, tuple[str, str]], closing: Collection[HeadKey]
    ) -> None:
        """`keys` says of each account the codes of its book and its own; `closing` are those that are to close."""
        self._cursor = cursor
        self._keys = keys
        self._closing = closing
        self._stored: dict[HeadKey, tuple[str, Counters]] = {}
        self._heads: Mapping[HeadKey, Head] = {}
        self.known: dict[HeadKey, AccountStand] = {}

    @property
    def codes(self) -> set[tuple[int, str]]:
        """Their books' ids and their codes."""
        return {(key >> 32, code) for key, (_, code) in self._keys.items()}

    def read(self, heads: Mapping[HeadKey, Head]) -> None:
        """Reads what is decided on besides the heads, which are locked; and what is held of them."""
        self._heads = heads
        keys = sorted(self._keys)
        originators = [account_originator_id(*self._keys[key]) for key in keys]
        parameters = {
            "books": [key >> 32 for key in keys],
            "accounts": [key & ACCOUNT for key in keys],
            "originators": originators,
        }
        for row in self._cursor.execute(QUERIES["stands"], parameters).fetchall():
            book_id, account_id, kind, currency, role, keyed, parent, *limits, debits, credits, version = row
            key = book_id << 32 | account_id
            self.known[key] = AccountStand(version, AccountTerms(kind, currency, role, keyed, parent, Limits(*limits)))
            head = heads[key]
            head.debits_pending_minor, head.credits_pending_minor = debits, credits
            self._stored[key] = head.status, _counters(head)
        for key, order_key, balance_minor in uneven_keys(self._cursor, self._closing):
            self.known[key].uneven[order_key] = balance_minor

    def before_heads(self) -> None:
        """A head that was frozen takes entries, and may be held more of, only once it is open again. One that a voucher
        empties for good ends with it in one statement: at zero it may be below its minimum, and only so."""
        thawed = [
            key
            for key, (status, counters) in self._stored.items()
            if status == FROZEN and counters != _counters(self._heads[key])
        ]
        self._write(dict.fromkeys(thawed, OPEN))
        ended = {
            key: head
            for key, (status, counters) in self._stored.items()
            if (head := self._heads[key]).status == CLOSED != status and counters != _counters(head)
        }
        if ended:
            self._end(ended)

    def after_heads(self) -> None:
        """Statuses as they are at the end: what came before is written."""
        self._write({
            key: self._heads[key].status
            for key, (status, counters) in self._stored.items()
            if self._heads[key].status != status or counters != _counters(self._heads[key])
        })  # fmt: skip

    def _end(self, heads: Mapping[HeadKey, Head]) -> None:
        parameters = {
            "books": [key >> 32 for key in heads],
            "accounts": [key & ACCOUNT for key in heads],
            "sequences": [head.posting_sequence for head in heads.values()],
            "debits": [head.debits_minor for head in heads.values()],
            "credits": [head.credits_minor for head in heads.values()],
        }
        self._cursor.execute(QUERIES["end_heads"], parameters)

    def _write(self, statuses: Mapping[HeadKey, str]) -> None:
        if statuses:
            parameters = {
                "books": [key >> 32 for key in statuses],
                "accounts": [key & ACCOUNT for key in statuses],
                "statuses": list(statuses.values()),
            }
            self._cursor.execute(QUERIES["set_statuses"], parameters)


def _counters(head: Head) -> Counters:
    """What moves as soon as it takes an entry or more or less is held of it."""
    return head.posting_sequence, head.debits_pending_minor, head.credits_pending_minor


def find_accounts(cursor: psycopg.Cursor[Any], items: Sequence[Item], preparer: Preparer) -> AccountRows | None:
    """The accounts that these items are about, and the items made ready to be decided; None where there are none."""
    keys: dict[HeadKey, tuple[str, str]] = {}
    closing: set[HeadKey] = set()
    for item in items:
        fact = item.fact
        if not isinstance(fact, ACCOUNT_FACTS) or (item.refusal is not None and item.refusal.final):
            continue
        if not isinstance(fact, AccountOpened):
            _find(item, fact, preparer)
        if item.movements:
            keys[item.movements[0].head] = (item.book.code, fact.account)
            if isinstance(fact, AccountClosed):
                closing.add(item.movements[0].head)
    return AccountRows(cursor, keys, closing) if keys else None


def uneven_keys(cursor: psycopg.Cursor[Any], heads: Collection[HeadKey]) -> list[tuple[HeadKey, str, int]]:
    """Of accounts kept per order key, whose heads are locked: the keys that are not at zero, with what they are at."""
    if not heads:
        return []
    parameters = {"books": [key >> 32 for key in heads], "accounts": [key & ACCOUNT for key in heads]}
    rows = cursor.execute(QUERIES["uneven_keys"], parameters).fetchall()
    return [(book_id << 32 | account_id, order_key, minor) for book_id, account_id, order_key, minor in rows]


def _find(item: Item, fact: AccountFact, preparer: Preparer) -> None:
    """Its account, and the one that gets what is left; what lacks one waits, unless its own is closed."""
    wanted = [fact.account]
    if isinstance(fact, AccountClosed) and fact.closing_to is not None:
        wanted.append(fact.closing_to)
    book: Book = preparer.books.find([item.book.code])[item.book.code]
    preparer.books.look_up(book, wanted)
    item.refusal = None
    missing = next((code for code in wanted if code not in book.accounts), None)
    if missing is not None:
        detail = f"there is no account {missing}"
        item.refusal = Refusal(Code.ACCOUNT_MISSING, detail, f"{ACCOUNT_WAITED_FOR}{missing}")
    if fact.account not in book.accounts:
        item.movements = ()
        return
    first = book.accounts[fact.account]
    item.movements = [
        Movement(ref.head, first.asset_id, ref.keyed, Line(code, "D", 0, "", Purpose.CLOSING))
        for code in wanted
        if (ref := book.accounts.get(code)) is not None
    ]
