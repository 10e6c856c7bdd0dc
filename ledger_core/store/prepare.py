"""All of a batch that needs no lock: proposals, accounts, cases, bytes (docs/explanation/posting.md)."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import psycopg

from ledger_core.domain.cases import Movement, PartKey, SubjectKey
from ledger_core.domain.groups import refuse_in_advance
from ledger_core.domain.incoming import SYSTEM_BOOK, Incoming
from ledger_core.domain.life_cycles import life_cycle_of
from ledger_core.domain.outcomes import Code, Outcome, Refusal
from ledger_core.domain.parts import Part
from ledger_core.domain.requests import BY_HAND
from ledger_core.domain.vouchers import Line
from ledger_core.rules.catalogue import propose
from ledger_core.rules.marketplace import in_marketplace
from ledger_core.store.arrays import integers, texts
from ledger_core.store.batch import SourceAdvance
from ledger_core.store.books import Book, Books
from ledger_core.store.cutting import demand_fits
from ledger_core.store.encoding import PURPOSE_NAMES, rfc3339
from ledger_core.store.errors import ChartMovedError, KeyKnownError
from ledger_core.store.items import (
    Item,
    ParkedLetter,
    Prepared,
    Replay,
    flat,
    new_item,
    policies_ask,
    predict,
    refuse_whole,
    settle,
)
from ledger_core.store.letters import demand_unchanged
from ledger_core.store.named_accounts import look_up, open_by_chart, open_by_event, take_lines
from ledger_core.store.named_sql import load_queries
from ledger_core.store.openings import misses_account
from ledger_core.store.source_policy import Asked, asked_by, refuse_sources, restricted_of
from ledger_core.store.strays import is_stray, of_no_book, stray_item, wait_for_parking
from ledger_core.store.unopened import Unopened, UnopenedAccounts, unsure

QUERIES = load_queries("ledger_core.store", "posting.sql")
CONFLICT_SOURCE = "conflict"

_movement = tuple.__new__  # half of what Movement(...) costs
InboxKey = tuple[int, int, str]
"""book_id, source_id, event_id."""
Arrival = tuple[InboxKey, int, Incoming, Book]
"""An incoming event with its key, its place among those that came with it, and its book."""


class Preparer:
    """Prepares batches on a connection of its own, while another batch is being posted."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self.books = Books(connection)
        self.unopened = UnopenedAccounts()
        """Accounts that are named by the last batch, and by what was prepared since, and are not open."""
        self.opens_at_once = False
        """Whatever is decided: where nothing stays."""

    def prepare(self, incoming: Sequence[Incoming], advances: Sequence[SourceAdvance], *, look_up: bool) -> Prepared:
        """`look_up` asks the inbox for known keys first; without it all keys count as new, and COPY objects."""
        while True:
            try:
                return self._prepare(incoming, advances, look_up=look_up)
            except ChartMovedError:
                self.books.charts_moved = True
            except KeyKnownError:
                look_up = True

    def _prepare(self, incoming: Sequence[Incoming], advances: Sequence[SourceAdvance], *, look_up: bool) -> Prepared:
        if self.books.charts_moved:
            self.books.reload_charts()
        self.unopened = UnopenedAccounts()
        items, replays = self._items_of(*self._arrivals(incoming, advances), look_up)
        if any(item.followers for item in items):
            items = flat(items)
        demand_fits(len(items))
        batch_id = self._next_batch_id()
        self._propose(items, keys_are_new=look_up)
        items.sort(key=_book_id)
        ordinals: dict[int, int] = defaultdict(int)
        for item in items:
            book_id = item.book.book_id
            item.reference = batch_id << 16 | ordinals[book_id]
            ordinals[book_id] += 1
        new_parts: dict[PartKey, Part] = {}
        new_subjects = predict(items, new_parts)
        plain = new_subjects is not None and not (self.books.have_policies and policies_ask(items))
        plain = plain and not self.unopened.by_head
        prepared = Prepared(incoming, advances, batch_id, items, replays, plain, new_subjects or {}, new_parts)
        prepared.unopened = self.unopened
        return prepared

    def prepare_parked(self, letters: Sequence[ParkedLetter]) -> list[Item]:
        """Items from parked dead letters, decoded and proposed anew; they keep their inbox key."""
        asked = asked_by([letter.incoming for letter in letters])
        books = self._books_of(asked)
        demand_unchanged(letters, books, self._known([letter.inbox_key for letter in letters]))
        items, own = [], []
        for letter in letters:
            if is_stray(letter):
                item = stray_item(letter, books)
            else:
                item = new_item(letter.incoming, books[letter.incoming.book], letter.source_id, -1)
                own.append(item)
            item.waits_for, item.position_parked = letter.waits_for, letter.position
            for member in item.members:
                member.event_id, member.revision = letter.event_id, letter.revision + 1
            items.append(item)
        refuse_sources(own, restricted_of(asked, books))
        self._propose(flat(own), sure=False)
        return items

    def propose_again(self, items: Sequence[Item]) -> None:
        """Proposes anew what depends on locked rows. Items become those of this preparer's own books."""
        books = self._books_of(asked_by([item.incoming for item in items]))
        for item in items:
            item.book = books[item.incoming.book]
        self._propose(list(items), sure=False)

    def take_up(self, prepared: Prepared) -> UnopenedAccounts:
        """Goes on with a batch, that another preparer may have prepared; answers with the accounts that it names and
        that are not open, to which come those that are named by what is prepared from now on."""
        self.unopened = UnopenedAccounts() if prepared.unopened is None else prepared.unopened.copy()
        return self.unopened

    def open(self, accounts: Sequence[Unopened]) -> None:
        """Opens accounts that something accepted names; none of a book whose chart has moved."""
        for code in sorted({unopened.book for unopened in accounts}):
            openings = [unopened.opening for unopened in accounts if unopened.book == code]
            try:
                self.books.open(self.books.find([code])[code], openings)
            except ChartMovedError:
                self.books.charts_moved = True

    def parked_for(self, book_id: int, waits_for: str) -> tuple[SubjectKey, ...]:
        """Order keys with an event that waits for this."""
        with self._connection.transaction():
            rows = self._connection.execute(QUERIES["parked_for"], (book_id, waits_for)).fetchall()
        return tuple((row[0], row[1]) for row in rows)

    def parked_letters(self, keys: Sequence[SubjectKey]) -> list[tuple[Any, ...]]:
        """What is parked of these order keys, not locked: rows of the query `parked_queue`."""
        parameters = {"books": [book_id for book_id, _ in keys], "keys": [key for _, key in keys]}
        with self._connection.transaction():
            return self._connection.execute(QUERIES["parked_queue"], parameters).fetchall()

    def wait_for_strays(self) -> None:
        """Returns when whoever was about to park an event for want of its book has, or sees the books of now."""
        wait_for_parking(self._connection)

    def movements_of(self, book: Book, lines: Sequence[Sequence[str]]) -> list[Movement]:
        """Movements of a posted voucher's lines, as its event keeps them."""
        self.books.find_accounts(book, {line[0]: line[3] for line in lines})
        movements = []
        for account, side, amount, currency, purpose in lines:
            ref = book.accounts[account]
            line = Line(account, "D" if side == "D" else "C", int(amount), currency, PURPOSE_NAMES.index(purpose))
            movements.append(Movement(ref.head, ref.asset_id, ref.keyed, line))
        return movements

    # ------------------------------------------------------------------ steps, in order

    def _books_of(self, asked: set[Asked]) -> dict[str, Book]:
        if not self.books.assets:
            self.books.assets.load()
        books = self.books.find({code for code, _, _ in asked} | {SYSTEM_BOOK})
        sources: dict[str, set[str]] = defaultdict(set)
        for code, source, _ in asked:
            sources[code if code in books else SYSTEM_BOOK].add(source)
        for code, uris in sources.items():
            self.books.find_sources(books[code], uris)
        return books

    def _arrivals(
        self, incoming: Sequence[Incoming], advances: Sequence[SourceAdvance]
    ) -> tuple[list[Arrival], set[Asked]]:
        """Incoming events with their keys, and which of their kinds their sources may not send."""
        asked = asked_by(incoming)
        books = self._books_of(asked)
        arrivals = []
        known = self._known_to_dropped(incoming, books)
        for place, event in enumerate(incoming):
            book = books.get(event.book)
            if book is None or (book.dropped and place not in known):
                event = of_no_book(event, advances, dropped=book is not None)  # noqa: PLW2901 - as it goes on
                book = books[SYSTEM_BOOK]
                self.books.find_sources(book, [event.source])
            arrivals.append(((book.book_id, book.sources[event.source], event.event_id), place, event, book))
        return arrivals, restricted_of(asked, books)

    def _known_to_dropped(self, incoming: Sequence[Incoming], books: dict[str, Book]) -> set[int]:
        """Places of events that were decided before their book was dropped: they are replays, whatever became of it."""
        dropped = {code: book for code, book in books.items() if book.dropped}
        if not dropped:
            return set()
        places = [place for place, event in enumerate(incoming) if event.book in dropped]
        for book in dropped.values():
            self.books.find_sources(
                book, {incoming[place].source for place in places if incoming[place].book == book.code}
            )
        keys = {
            place: (book.book_id, book.sources[event.source], event.event_id)
            for place in places
            for event in (incoming[place],)
            for book in (dropped[event.book],)
        }
        known = self._known(list(keys.values()))
        return {place for place, key in keys.items() if known.get(key) == incoming[place].fingerprint}

    def _items_of(
        self, arrivals: Sequence[Arrival], restricted: set[Asked], look_up: bool
    ) -> tuple[list[Item], list[Replay]]:
        """Each key once. What repeats a key with another payload becomes an event of its own, once for each payload."""
        new, replays, conflicts = self._sort_out(arrivals, look_up)
        items = [new_item(event, book, source_id, place) for (_, source_id, _), place, event, book in new]
        refuse_sources(items, restricted)
        if conflicts:
            own_keys = [self._key_of_conflict(*arrival) for arrival in conflicts]
            first_conflicts, repeated, _ = self._sort_out(own_keys, look_up)
            items += [_conflict_item(*arrival) for arrival in first_conflicts]
            items.sort(key=_arrival)
            replays += repeated
        return items, replays

    def _sort_out(
        self, arrivals: Sequence[Arrival], look_up: bool
    ) -> tuple[list[Arrival], list[Replay], list[Arrival]]:
        """New ones, replays and conflicts.

        What the inbox knows goes first: of two payloads in one batch the second may be the one it holds.
        """
        known = self._known([arrival[0] for arrival in arrivals]) if look_up else {}
        seen: dict[InboxKey, Incoming] = {}
        new: list[Arrival] = []
        replays: list[Replay] = []
        conflicts: list[Arrival] = []
        for arrival in arrivals:
            key, place, event, _ = arrival
            fingerprint = known.get(key)
            in_inbox = fingerprint is not None
            if fingerprint is None:
                first = seen.setdefault(key, event)
                if first is event:
                    new.append(arrival)
                    continue
                fingerprint = first.fingerprint
            if fingerprint == event.fingerprint:
                replays.append(Replay(place, in_inbox))
            else:
                conflicts.append(arrival)
        return new, replays, conflicts

    def _key_of_conflict(self, key: InboxKey, place: int, event: Incoming, book: Book) -> Arrival:
        self.books.find_sources(book, [CONFLICT_SOURCE])
        book_id, source_id, event_id = key
        own_id = f"{event_id}#{source_id}#{event.fingerprint.hex()}"
        return (book_id, book.sources[CONFLICT_SOURCE], own_id), place, event, book

    def _known(self, keys: Sequence[InboxKey]) -> dict[InboxKey, bytes]:
        """Fingerprints of the keys that are in the inbox."""
        parameters = {
            "books": integers([key[0] for key in keys]),
            "sources": integers([key[1] for key in keys]),
            "event_ids": texts([key[2] for key in keys]),
        }
        with self._connection.transaction(), self._connection.cursor(binary=True) as cursor:
            rows = cursor.execute(QUERIES["known_keys"], parameters).fetchall()
        return {keys[place - 1]: fingerprint for place, fingerprint in rows}

    def _next_batch_id(self) -> int:
        with self._connection.transaction():
            row = self._connection.execute(QUERIES["next_batch_id"]).fetchone()
        assert row is not None
        return int(row[0])

    def _propose(self, items: list[Item], *, keys_are_new: bool = True, sure: bool = True) -> None:
        """Asks the rules, finds or opens the accounts they name, and encodes what will be if nothing is refused.
        What is not `sure` to be decided opens none.

        Raises `KeyKnownError` where keys only count as new, and one that would open an account is not.
        """
        assets = self.books.assets
        self.books.forget_if_many()
        if self.books.has_marketplaces:
            _take_by_markets(items)
        unresolved: list[Item] = []
        for item in items:
            if item.fact is None:
                continue
            proposal = propose(item.fact, item.book.chart)
            item.asset_id = assets[getattr(item.fact, "currency", "")]
            if proposal is None:
                continue
            if isinstance(proposal, Refusal):
                item.refusal = proposal
                continue
            item.draft = proposal
            accounts = item.book.accounts
            try:
                item.movements = [
                    _movement(Movement, ((ref := accounts[line[0]])[0], assets[line[3]], ref[2], line))
                    for line in proposal.lines
                ]
            except KeyError:
                unresolved.append(item)
        if unresolved:
            self._resolve(unresolved, keys_are_new=keys_are_new, sure=sure)
        for item in items:
            if item.followers:
                refuse_in_advance(item.members)
        times = rfc3339([item.effective_at_us for item in items])
        for item, effective_at in zip(items, times, strict=True):
            item.effective_at = effective_at
            posts = item.draft is not None and not item.draft.recorded
            outcome = Outcome.POSTED if posts else life_cycle_of(item.fact).unposted
            settle(item, item.refusal.outcome if item.refusal else outcome, item.refusal, item.draft, item.movements)

    def _resolve(self, items: Sequence[Item], *, keys_are_new: bool, sure: bool) -> None:
        """Accounts that this process does not know yet: looked up, or opened where the chart allows, and what names
        them is as good as posted."""
        look_up(self.books, items)
        if not keys_are_new:
            self._demand_new([item for item in items if misses_account(item)])
        open_by_event(self.books, items)
        unsure = self._unsure([item for item in items if misses_account(item)], sure=sure)
        open_by_chart(self.books, [item for item in items if id(item) not in unsure])
        for item in items:
            take_lines(item, self.unopened, self.books.assets)

    def _unsure(self, items: Sequence[Item], *, sure: bool) -> set[int]:
        """Of items that name accounts which are not open, by identity: those of which it is not sure that they post."""
        if self.opens_at_once or not items:
            return set()
        places = unsure(self._connection, items, self.books.assets) if sure else range(len(items))
        return {id(items[place]) for place in places}

    def _demand_new(self, items: Sequence[Item]) -> None:
        """An account that is open stays so: what the inbox knows already, with these data or others, opens none."""
        if items and self._known([(item.book.book_id, item.source_id, item.event_id) for item in items]):
            raise KeyKnownError("an event that would open an account was decided before")


def _take_by_markets(items: Sequence[Item]) -> None:
    """What books that are marketplaces take by their own policy. By hand there is nothing of that."""
    for item in items:
        if not isinstance(item.incoming.fact, BY_HAND) and item.fact is not None:
            item.fact = in_marketplace(item.incoming.fact, item.book.chart)


def _conflict_item(key: InboxKey, place: int, event: Incoming, book: Book) -> Item:
    item = new_item(event, book, key[1], place)
    item.event_id = key[2]
    refuse_whole(item, Refusal(Code.IDEMPOTENCY_CONFLICT, "an event of this id with other content was decided before"))
    return item


def _book_id(item: Item) -> int:
    return item.book.book_id


def _arrival(item: Item) -> int:
    return item.arrival
