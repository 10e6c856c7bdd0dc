"""Accounts that would open on the fly for events of which it is not sure that they post.

An account opens before BEGIN, in a transaction of its own. For an event that may be refused, or queued, that is too
early: it would leave an empty account behind. Such an event is decided on the exact path, with a head as the account
would begin with, under a key below zero that no row has. Only if it is accepted the account opens, and the batch is
posted anew.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

import psycopg

from ledger_core.domain import subjects
from ledger_core.domain.account_types import NORMAL_SIDE
from ledger_core.domain.cases import Decision, Head, HeadKey, Movement, Ruling
from ledger_core.domain.holds import HoldPlaced
from ledger_core.domain.life_cycles import life_cycle_of
from ledger_core.domain.limits import DENY
from ledger_core.domain.outcomes import Outcome
from ledger_core.domain.payments import PaymentCaptured, SplitCaptured
from ledger_core.domain.subjects import Subject
from ledger_core.store.assets import Assets
from ledger_core.store.books import AccountRef, Book, Opening
from ledger_core.store.errors import SurpriseError, UnopenedError
from ledger_core.store.items import Item
from ledger_core.store.named_sql import load_queries

QUERIES = load_queries("ledger_core.store", "unopened.sql")
_KEYS = count(-1, -1)
"""One row of numbers for all preparers of a process: items of two of them meet in one batch."""


class Unopened(NamedTuple):
    """An account that is not open, as it would open."""

    book: str
    book_id: int
    opening: Opening
    ref: AccountRef

    def head(self) -> Head:
        return Head(0, 0, 0, self.ref.asset_id, limits=self.opening.template.limits, normal_side=self.ref.normal_side)


@dataclass(slots=True)
class UnopenedAccounts:
    """Those that events of one batch name."""

    by_head: dict[HeadKey, Unopened] = field(default_factory=dict)
    _by_code: dict[tuple[int, str], AccountRef] = field(default_factory=dict)

    def ref(self, book: Book, opening: Opening, assets: Assets) -> AccountRef:
        """The account as lines name it, the same for all events of the batch."""
        key = book.book_id, opening.code
        ref = self._by_code.get(key)
        if ref is None:
            template = opening.template
            ref = AccountRef(next(_KEYS), assets[opening.currency], template.keyed, NORMAL_SIDE[template.type])
            self._by_code[key] = ref
            self.by_head[ref.head] = Unopened(book.code, book.book_id, opening, ref)
        return ref

    def find(self, book: Book, code: str) -> AccountRef | None:
        """The account of this code, if it is open or named by the batch."""
        return book.accounts.get(code) or self._by_code.get((book.book_id, code))

    def copy(self) -> "UnopenedAccounts":
        return UnopenedAccounts(dict(self.by_head), dict(self._by_code))

    def heads(self) -> dict[HeadKey, Head]:
        """As the accounts would begin."""
        return {key: unopened.head() for key, unopened in self.by_head.items()}

    def demand_opened(self, decision: Decision) -> None:
        """Raises `UnopenedError` with those that accepted events move or hold something of."""
        accepted = {
            movement.head
            for whole in (*decision.arrivals, *decision.healed)
            for ruling in (whole, *whole.followers)
            if ruling.outcome in (Outcome.POSTED, Outcome.RECORDED)
            for movement in (*ruling.movements, *_held(ruling))
            if movement.head < 0
        }
        if accepted:
            raise UnopenedError([self.by_head[head] for head in sorted(accepted, reverse=True)])

    def demand_unopened(self, cursor: psycopg.Cursor[Any]) -> None:
        """Asked under the books' locks, as whoever opens an account appends to its book: what was decided on heads of
        accounts that are not open must not have been on those of others by now."""
        if not self.by_head:
            return
        parameters = {
            "books": [unopened.book_id for unopened in self.by_head.values()],
            "codes": [unopened.opening.code for unopened in self.by_head.values()],
        }
        row = cursor.execute(QUERIES["opened_by_others"], parameters).fetchone()
        if row is None or row[0]:
            raise SurpriseError("an account that an event names was opened meanwhile")


def _held(ruling: Ruling) -> Sequence[Movement]:
    return ruling.case.movements if isinstance(ruling.case.fact, HoldPlaced) else ()


def unsure(connection: psycopg.Connection[Any], items: Sequence[Item], assets: Assets) -> set[int]:
    """Places of those of these items, which all name accounts that are not open, of which it is not sure that they
    post, as the store stands at this moment: more is known of their order key than an authorisation, or should be;
    only locked rows tell; their period is closed; another of their accounts is not open or has limits that deny, or
    will not open; or another voucher must post with them."""
    places = {
        place
        for place, item in enumerate(items)
        if item.member is not None or _only_locked_rows_tell(item) or _comes_first(item) or _is_bound(item, assets)
    }
    parameters = {
        "books": [item.book.book_id for item in items],
        "keys": [item.incoming.order_key for item in items],
        "effective_us": [item.effective_at_us for item in items],
    }
    found = [(place, ref.head) for place, item in enumerate(items) for ref in _open_ones(item)]
    heads = {
        "places": [place for place, _ in found],
        "head_books": [head >> 32 for _, head in found],
        "accounts": [head & 0xFFFFFFFF for _, head in found],
    }
    with connection.transaction():
        rows = connection.execute(QUERIES["unsure"], parameters | heads).fetchall()
    return places | {int(row[0]) for row in rows}


def _open_ones(item: Item) -> Iterator[AccountRef]:
    assert item.draft is not None
    accounts = item.book.accounts
    return (accounts[line.account] for line in item.draft.lines if line.account in accounts)


def _only_locked_rows_tell(item: Item) -> bool:
    """Such events are decided on the exact path anyway. A capture posts as a rule, unless it waits for profiles."""
    fact = item.fact
    if isinstance(fact, PaymentCaptured):
        return isinstance(fact, SplitCaptured) and fact.needs_profiles
    return not life_cycle_of(fact).by_columns


def _comes_first(item: Item) -> bool:
    """Whether it would be refused as the first event of its order key."""
    life = life_cycle_of(item.fact)
    if item.fact is None or not (life.by_columns and life.has_subject):
        return False
    return subjects.refuse(item.fact, Subject(), item.asset_id) is not None


def _is_bound(item: Item, assets: Assets) -> bool:
    """One of its accounts will not open, or would open with limits that deny."""
    assert item.draft is not None
    for line in item.draft.lines:
        if line.account in item.book.accounts:
            continue
        opening = opening_by_chart(item.book, line.account, line.currency, assets)
        if opening is None:
            return True
        limits = opening.template.limits
        if limits is not None and limits.policy == DENY:
            return True
    return False


def opening_by_chart(book: Book, code: str, currency: str, assets: Assets) -> Opening | None:
    """How an account opens on the fly; None where the chart does not let it."""
    template = book.chart.template_for(code, currency)
    return None if template is None or currency not in assets else Opening(code, currency, template)
