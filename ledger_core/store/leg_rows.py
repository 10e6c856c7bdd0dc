"""How payments were split: read once their subjects are locked, with the accounts that what follows them may touch.

A batch that is about no split payment comes here for nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ledger_core.domain.cases import Case, Head, HeadKey, Locked, Movement, Proposal, SubjectKey
from ledger_core.domain.custody import FOLLOWS
from ledger_core.domain.facts import Fact
from ledger_core.domain.outcomes import Refusal
from ledger_core.domain.parts import PartKind
from ledger_core.domain.payments import ExactShare, SplitCaptured
from ledger_core.domain.stories import ChargebackOpened
from ledger_core.domain.vouchers import Side
from ledger_core.rules.catalogue import propose
from ledger_core.store.books import Book
from ledger_core.store.items import Item
from ledger_core.store.part_rows import PartRows
from ledger_core.store.prepare import Preparer
from ledger_core.store.unopened import opening_by_chart


class LegRows:
    """Legs under the locks of their subjects. `items` are arrivals and parked ones."""

    def __init__(self, items: Sequence[Item], parts: PartRows, preparer: Preparer) -> None:
        self._parts, self._legs, self._exchanges = parts.known, parts.legs, parts.exchanges.known
        self._preparer = preparer
        self.bearing: dict[HeadKey, Side] = {}
        """Accounts that refunds may take from though they do not name them, with their normal sides."""
        self._followers = [item for item in items if isinstance(item.fact, FOLLOWS)]
        self._named: dict[SubjectKey, set[str]] = defaultdict(set)
        for item in items if self._followers else ():
            if isinstance(item.fact, SplitCaptured):
                self._named[item.subject_key].update(share.account for share in item.fact.beneficiaries)
        for key, of_payment in self._legs.items():
            self._named[key].update(part_id for _, _, kind, part_id in of_payment if kind == PartKind.LEG)

    def heads(self) -> Iterator[int]:
        """Accounts that refunds and disputes may touch by the legs of their payments, and did not name."""
        for item in self._followers:
            if beneficiaries := self._named.get(item.subject_key):
                yield from self._heads_of(item, sorted(beneficiaries))

    def _heads_of(self, item: Item, beneficiaries: Sequence[str]) -> Iterator[int]:
        """As if each bore something and gave back a commission: its rule then names every account there may be."""
        fact = item.fact
        assert isinstance(fact, FOLLOWS)
        shares = tuple([ExactShare(account, 2, commission_minor=1) for account in beneficiaries])
        draft = propose(replace(fact, amount_minor=2 * len(shares), beneficiaries=shares), item.book.chart)
        if draft is None or isinstance(draft, Refusal):
            return
        wanted, accounts = {line.account: line.currency for line in draft.lines}, item.book.accounts
        if missing := [code for code in wanted if code not in accounts]:
            self._preparer.books.look_up(item.book, missing)
            for code in missing:
                if code not in accounts and code not in beneficiaries:  # in direct custody they need no account
                    self._name_unopened(item.book, code, wanted[code])
        if not isinstance(fact, ChargebackOpened):
            bearing = [accounts[code] for code in beneficiaries if code in accounts]
            self.bearing.update((ref.head, ref.normal_side) for ref in bearing)
        yield from (ref.head for code in wanted if (ref := accounts.get(code)) is not None)

    def _name_unopened(self, book: Book, code: str, currency: str) -> None:
        """It opens once something accepted needs it."""
        assets = self._preparer.books.assets
        opening = opening_by_chart(book, code, currency, assets)
        if opening is not None:
            self._preparer.unopened.ref(book, opening, assets)

    def lend(self, locked: Locked) -> None:
        """Gives decisions the parts, legs among them, what of payments is in another currency, and the rules to ask."""
        locked.parts, locked.legs, locked.exchanges = self._parts, self._legs, self._exchanges
        if self._followers:
            locked.propose = partial(self._propose, locked.heads)

    def _propose(self, heads: Mapping[HeadKey, Head], case: Case, fact: Fact) -> Proposal | Refusal:
        assert isinstance(case, Item)
        draft = propose(fact, case.book.chart)
        if draft is None or isinstance(draft, Refusal):
            return draft or Proposal(None, ())
        find, assets = self._preparer.unopened.find, self._preparer.books.assets
        movements = [
            Movement(ref.head, assets[line.currency], ref.keyed, line)
            for line in draft.lines
            if (ref := find(case.book, line.account)) is not None and ref.head in heads
        ]
        return Proposal(draft, movements)
