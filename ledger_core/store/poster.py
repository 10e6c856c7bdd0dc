"""The posting transaction: one batch, one PostgreSQL transaction, step by step in docs/explanation/posting.md.

Lock order, here and everywhere: source rows, inbox keys, subjects, heads, books. A batch whose keys are all new
and in which nothing can be refused is laid out before BEGIN and decided over columns; any surprise (a known key,
a known subject, a frozen account) rolls back and goes the exact path, where each event is decided one by one.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import errors

from ledger_core.domain.account_facts import ACCOUNT_WAITED_FOR, AccountOpened, AccountUnfrozen
from ledger_core.domain.cases import SubjectKey
from ledger_core.domain.incoming import Incoming, Record
from ledger_core.domain.notices import NOTICE_FACTS
from ledger_core.domain.outcomes import Outcome
from ledger_core.store import connection as connections
from ledger_core.store import cutting
from ledger_core.store.batch import BatchResult, Decided, SourceAdvance
from ledger_core.store.columns import register_columns
from ledger_core.store.crossing_events import crossed_in
from ledger_core.store.errors import (
    BatchTooLargeError,
    ChartMovedError,
    FenceLostError,
    HoldsDueError,
    LimitReachedError,
    PostingHaltedError,
    SurpriseError,
    UnopenedError,
)
from ledger_core.store.exact import decide_exactly, letters_of
from ledger_core.store.hold_expiry import expire_keys
from ledger_core.store.items import Item, Prepared
from ledger_core.store.overdue import Overdue
from ledger_core.store.positions import SourcePositions
from ledger_core.store.prepare import Preparer
from ledger_core.store.rows import inbox_rows, lay_out, part_rows, subject_rows
from ledger_core.store.strays import arrivals_of
from ledger_core.store.transaction import BOOK_WAITED_FOR, Transaction
from ledger_core.store.untold import Told, Untold

LOOK_UP_STREAK = 8
"""Batches that ask the inbox first after one met a known key; a replay goes on asking while it meets them."""

ATTEMPTS = 20
"""Tries of one batch before its error is the caller's: deadlocks and surprises are few and end."""

TRANSACTION_TIMEOUT_SINCE = 170_000

Label = Callable[[str], None]


HEALED_AT_ONCE = 50
"""Order keys drained in one transaction of `Poster.heal`: their queues are bounded, so it is too."""

LABELS = (
    "fence", "inbox", "subjects", "heads", "decided", "subjects_written", "books", "blocks", "heads_written", "entries",
    "events", "holds", "dead_letters", "sources", "before_commit", "after_commit",
)  # fmt: skip
"""Labelled points, each at the end of its step, in order. `decided` and what writes subjects or holds: the exact path
only."""


def no_label(name: str) -> None:
    """Labelled points mark where fault tests kill the process; in production nothing happens there."""


class Poster:
    """Prepares and posts batches. `prepare` and `post` may run in two threads at once, each at most once."""

    tries_again = True
    """After a batch that was refused another can be posted."""

    def __init__(
        self,
        dsn: str,
        *,
        decode: Callable[[Record], Incoming],
        label: Label = no_label,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dsn = dsn
        self._decode = decode
        self._label = label
        self._clock = clock
        self._look_up = 0
        self._exact = 0
        self._untold = Untold()
        self._connections: list[psycopg.Connection[Any]] = []
        self.positions = SourcePositions()
        self.timings: dict[str, float] = {}
        """Seconds spent per step since the start, for the benchmark's `stage_` rows."""

    def open(self) -> None:
        """Connects. Raises psycopg.OperationalError when PostgreSQL can't be reached."""
        self._use([self._connect() for _ in range(4)])

    def _use(self, connections: list[psycopg.Connection[Any]]) -> None:
        self._connections = connections
        preparing, exact, self._posting, positions = connections
        self._preparer = Preparer(preparing)
        self._exact_preparer = Preparer(exact)
        self._overdue = Overdue(exact, self._exact_preparer.books, self._decode)
        self.positions.connection = positions

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def reopen(self) -> None:
        """New connections after an unknown outcome; what is remembered of books is read again."""
        self.close()
        self.open()

    def settle(self) -> list[Told]:
        """After an error, and `reopen` where it was the connection's: what was committed before it, to be counted."""
        return self._untold.settle(self._posting)

    def _connect(self) -> psycopg.Connection[Any]:
        connection = connections.connect(self._dsn, connections.Role.POSTER)
        connection.autocommit = True
        register_columns(connection)
        connection.execute("SET lock_timeout = '30s'")
        # A worker that stands still inside its transaction holds its books: the server ends the transaction.
        connection.execute("SET idle_in_transaction_session_timeout = '15s'")
        if connection.info.server_version >= TRANSACTION_TIMEOUT_SINCE:  # also in the middle of a COPY
            connection.execute("SET transaction_timeout = '120s'")
        connection.execute("SET synchronous_commit = on")
        # Every look-up here is by key: an index, whatever the statistics of a table that was empty a moment ago say.
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_hashjoin = off")
        connection.execute("SET enable_mergejoin = off")
        return connection

    def prepare(self, incoming: Sequence[Incoming], advances: Sequence[SourceAdvance]) -> Prepared:
        """All that needs no lock: rules, accounts (opened on the fly in their own transaction), bytes, columns."""
        return self._try_to_lay_out(self._preparer, incoming, advances, look_up=self._look_up > 0)

    def _try_to_lay_out(
        self, preparer: Preparer, incoming: Sequence[Incoming], advances: Sequence[SourceAdvance], *, look_up: bool
    ) -> Prepared:
        """A batch that has to be cut is left to `post`."""
        try:
            return self._lay_out(preparer, incoming, advances, look_up=look_up)
        except BatchTooLargeError:
            return Prepared(incoming, advances, 0, [], [], plain=False, too_large=True)

    def _lay_out(
        self,
        preparer: Preparer,
        incoming: Sequence[Incoming],
        advances: Sequence[SourceAdvance],
        *,
        look_up: bool,
    ) -> Prepared:
        prepared = preparer.prepare(incoming, advances, look_up=look_up)
        prepared.layout = lay_out(prepared.items)
        prepared.inbox = inbox_rows(prepared.items, prepared.batch_id)
        if prepared.plain:
            prepared.subjects, prepared.parts = subject_rows(prepared.new_subjects), part_rows(prepared.new_parts)
        return prepared

    def post(self, prepared: Prepared) -> BatchResult:
        """Posts a batch whatever it takes: exact path, without lost partitions, again after a deadlock, in pieces
        where it is too large for one.

        Raises `PostingHaltedError` when books of the batch take no postings, `QueueFullError`, `BatchTooLargeError`
        for one event that is too large alone, psycopg errors when the database is away; then nothing was posted, or
        its first pieces, or (a connection lost at COMMIT) all of it: post the same records again after asking
        `positions` where the sources stand.
        """
        with self._untold:
            if prepared.too_large:
                return self._post_pieces(prepared)
            try:
                return self._post_whole(prepared)
            except BatchTooLargeError:
                if prepared.drain:  # that is cut by its order keys
                    raise
                return self._post_pieces(prepared)

    def _post_pieces(self, whole: Prepared) -> BatchResult:
        if len(whole.incoming) < 2:
            raise BatchTooLargeError(cutting.MAX_BATCH_EVENTS, [_partition(event) for event in whole.incoming])
        pieces = cutting.cut(whole.incoming, whole.advances)
        return cutting.joined(
            [self.post(self._try_to_lay_out(self._exact_preparer, *piece, look_up=True)) for piece in pieces]
        )

    def _post_whole(self, prepared: Prepared) -> BatchResult:
        dropped: list[tuple[str, int]] = []
        arrived, kept = prepared.incoming, list(range(len(prepared.incoming)))
        exact = not prepared.plain or self._exact > 0
        for _ in range(ATTEMPTS):
            try:
                result = self._post_once(prepared, exact=exact or not prepared.plain)
            except FenceLostError as lost:
                dropped += lost.partitions
                kept = [n for n in kept if _partition(arrived[n]) not in lost.partitions]
                prepared = self._without(lost.partitions, prepared)
            except (errors.UniqueViolation, SurpriseError, errors.DeadlockDetected) as error:
                exact_before, exact = exact, self._learn(error) or exact
                moved = isinstance(error, ChartMovedError)
                # The plain path changes nothing of a batch: only these need it anew.
                if moved or exact_before or self._look_up == LOOK_UP_STREAK:
                    prepared = self._again(prepared.incoming, prepared.advances, prepared)
            except HoldsDueError as due:  # an expiry is an event of its own, before anything is decided on the hold
                expire_keys(self._posting, due.keys, due.moment)
                prepared = self._again(prepared.incoming, prepared.advances, prepared)
            else:
                self._forget(prepared)
                decided = dict(zip(kept, result.decided, strict=True))
                whole = self._heal_all(result.woke, result)
                ours = [decided.get(n) for n in range(len(arrived))]
                return replace(whole, decided=ours, dropped=tuple(dropped))
        raise PostingHaltedError((), f"a batch was rolled back {ATTEMPTS} times in a row")

    def heal_overdue(self, but_not: Container[str] = ()) -> BatchResult:
        """Heals what has come true already, `but_not` in these books: its waiting events are decided after the commit
        that made it true, and whoever committed may be gone before that. Two at once decide each event once."""
        awaited = [
            (book, waits_for)
            for book, waits_for in self._overdue.come_true()
            if book not in but_not and waits_for.removeprefix(BOOK_WAITED_FOR) not in but_not
        ]
        with self._untold:
            return self._heal_all(awaited, BatchResult((), ()))

    def _heal_all(self, awaited: Iterable[tuple[str, str]], before: BatchResult) -> BatchResult:
        """What came before, and what comes of these: of each the book, and what is waited for in it."""
        healed, crossed, vouchers = [*before.healed], [*before.crossed], Counter(before.vouchers)
        for book, waits_for in awaited:
            woken = self.heal(book, waits_for)
            healed += woken.healed
            crossed += woken.crossed
            vouchers.update(woken.vouchers)
        return BatchResult((), healed, crossed=crossed, vouchers=vouchers)

    def heal(self, book: str, waits_for: str, looked_at: Callable[[int], None] = lambda _keys: None) -> BatchResult:
        """Drains the queues of events that wait for this (`account:<code>` …), for it has come true. What waits for a
        book (`book:<code>`) waits in the system book, and is decided in its own.

        A few order keys a transaction: however many wait, none of them is long. An order key whose queue alone would
        write more than a batch may goes on waiting. `looked_at` hears how many keys were.
        """
        preparer = self._exact_preparer
        owner = preparer.books.find([book])[book]
        if owner.dropped:
            return BatchResult((), ())  # they go on waiting: nothing is posted there
        of_others = waits_for.startswith(BOOK_WAITED_FOR)
        if of_others:
            code = waits_for.removeprefix(BOOK_WAITED_FOR)
            of_code = preparer.books.find([code]).get(code)
            if of_code is None or of_code.dropped:
                return BatchResult((), ())
            preparer.wait_for_strays()
        keys = preparer.parked_for(owner.book_id, waits_for)
        healed: list[tuple[Incoming, Decided]] = []
        crossed: list[str] = []
        vouchers: Counter[tuple[str, str]] = Counter()
        chunks = deque(keys[first : first + HEALED_AT_ONCE] for first in range(0, len(keys), HEALED_AT_ONCE))
        while chunks:
            chunk = chunks.popleft()
            strays = arrivals_of(letters_of(preparer.parked_letters(chunk), self._decode)) if of_others else []
            try:
                result = self._drain(chunk, strays)
            except BatchTooLargeError:
                half = len(chunk) // 2
                chunks.extendleft(part for part in (chunk[half:], chunk[:half]) if half)
                continue
            crossed += result.crossed
            vouchers.update(result.vouchers)
            healed += result.drained(strays).healed
            looked_at(len(keys) - sum(map(len, chunks)))
        return BatchResult((), tuple(healed), crossed=crossed, vouchers=vouchers)

    def _drain(self, keys: tuple[SubjectKey, ...], strays: Sequence[Incoming]) -> BatchResult:
        prepared = self._lay_out(self._exact_preparer, strays, (), look_up=True)
        prepared.drain, prepared.plain = keys, False
        return self.post(prepared)

    def _without(self, partitions: Sequence[tuple[str, int]], before: Prepared) -> Prepared:
        incoming = [event for event in before.incoming if _partition(event) not in partitions]
        advances = [a for a in before.advances if (a.topic, a.partition) not in partitions]
        return self._again(incoming, advances, before)

    def _again(self, incoming: Sequence[Incoming], advances: Sequence[SourceAdvance], before: Prepared) -> Prepared:
        prepared = self._lay_out(self._exact_preparer, incoming, advances, look_up=True)
        dropped = self._exact_preparer.books.dropped()
        prepared.drain = tuple(key for key in before.drain if key[0] not in dropped)
        prepared.lock_every_key = before.lock_every_key
        prepared.moment, prepared.hold_terms = before.moment, before.hold_terms
        return prepared

    def _learn(self, error: errors.UniqueViolation | SurpriseError | errors.DeadlockDetected) -> bool:
        """What a surprise says of this batch and those to come: True for the exact path, else the inbox is asked.

        Any other violated constraint is a fault and is raised.
        """
        if isinstance(error, ChartMovedError):
            self._preparer.books.charts_moved = self._exact_preparer.books.charts_moved = True
            return False
        if isinstance(error, UnopenedError):
            self._exact_preparer.open(error.accounts)
            return True
        if isinstance(error, LimitReachedError):
            return True
        if isinstance(error, errors.UniqueViolation):
            constraint = error.diag.constraint_name
            if constraint == "inbox_pkey":
                self._look_up = LOOK_UP_STREAK
                return False
            if constraint != "subject_pkey":
                raise error
        self._exact = LOOK_UP_STREAK
        return True

    def _forget(self, posted: Prepared) -> None:
        """A replay goes on asking while it meets known keys."""
        met_known = any(replay.in_inbox for replay in posted.replays)
        self._look_up = LOOK_UP_STREAK if met_known else max(0, self._look_up - 1)
        self._exact = max(0, self._exact - 1)

    def _transaction(self) -> AbstractContextManager[object]:
        return self._posting.transaction()

    def _post_once(self, prepared: Prepared, *, exact: bool) -> BatchResult:
        mark = self._label
        with self._transaction(), self._posting.cursor(binary=True) as cursor:
            transaction = Transaction(cursor, prepared, self._label, self.timings, self._clock)
            transaction.fence()
            transaction.copy_inbox()
            healed: list[Item] = []
            if exact:
                transaction.unopened = self._exact_preparer.take_up(prepared)
                layout, healed = decide_exactly(transaction, self._exact_preparer, self._decode)
                if transaction.met_known_subjects:
                    self._exact = LOOK_UP_STREAK + 1
            else:
                layout = transaction.decide_over_columns()
            result = transaction.write(layout, healed)
            if exact:
                result = replace(result, woke=_woke([*prepared.items, *healed]), crossed=crossed_in(healed))
            if written := prepared.items or healed:
                self._untold.commits(prepared, written[0].book.book_id, result)
            elif prepared.advances:
                self._untold.commits_replays(cursor, prepared, result)
            mark("before_commit")
        mark("after_commit")
        return result


def _woke(items: Sequence[Item]) -> tuple[tuple[str, str], ...]:
    """Accounts that take entries from now on (by event they opened, or are no longer frozen); what notices say."""
    names = [
        (item.book.code, f"{ACCOUNT_WAITED_FOR}{item.fact.account}")
        for item in items
        if isinstance(item.fact, AccountOpened | AccountUnfrozen) and item.outcome is Outcome.RECORDED
    ]
    names += [
        (item.book.code, item.fact.wakes)
        for item in items
        if isinstance(item.fact, NOTICE_FACTS) and item.fact.wakes and item.outcome is Outcome.RECORDED
    ]
    return tuple(dict.fromkeys(names))


def _partition(event: Incoming) -> tuple[str, int]:
    return event.record.topic, event.record.partition
