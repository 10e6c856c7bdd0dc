"""The steps of the posting transaction, in the order in which they take locks (docs/explanation/posting.md)."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg

from ledger_core.domain.account_facts import ACCOUNT_WAITED_FOR
from ledger_core.domain.cases import Head, HeadKey
from ledger_core.domain.decide import HeadColumns, Numbered, number_entries, sums_fit
from ledger_core.domain.life_cycles import HAVE_SUBJECT
from ledger_core.domain.limit_columns import RunningColumns, reaches_limit
from ledger_core.domain.outcomes import Outcome
from ledger_core.store.account_cases import AccountRows
from ledger_core.store.batch import BatchResult
from ledger_core.store.blocks import block_hash
from ledger_core.store.columns import (
    COPY_HEADER,
    COPY_TRAILER,
    Int64s,
    IntArray,
)
from ledger_core.store.errors import (
    ChartMovedError,
    CorruptionError,
    FenceLostError,
    LimitReachedError,
    PostingHaltedError,
    SurpriseError,
)
from ledger_core.store.hold_rows import HoldRows, update_held_heads
from ledger_core.store.items import FOLLOWER, Item, Prepared
from ledger_core.store.limit_rows import limit_columns, read_limits
from ledger_core.store.link_rows import Linked, write_links
from ledger_core.store.locked_heads import LockedHeads
from ledger_core.store.named_sql import load_queries
from ledger_core.store.notice_rows import NoticeRows
from ledger_core.store.outcome_rows import block_row, dead_letter, places, result_of
from ledger_core.store.rows import Layout, entry_rows, event_rows
from ledger_core.store.unopened import UnopenedAccounts

QUERIES = load_queries("ledger_core.store", "posting.sql")
BOOK_WAITED_FOR = "book:"


class Transaction:
    """One posting transaction under way; each method is one step."""

    def __init__(
        self,
        cursor: psycopg.Cursor[Any],
        prepared: Prepared,
        label: Callable[[str], None],
        timings: dict[str, float],
        clock: Callable[[], float],
    ) -> None:
        self.cursor = cursor
        self.prepared = prepared
        self.heads: LockedHeads | None = None
        self.met_known_subjects = False
        """True when the exact path met an order key that had a subject: the plain path would have failed."""
        self.decided_closed_through: Mapping[int, int] = {}
        """Per book: how far periods were closed when the exact path decided; step 6 demands that it still holds."""
        self.holds: HoldRows | None = None
        self.accounts: AccountRows | None = None
        """Accounts that events of this batch are about."""
        self.notices: NoticeRows | None = None
        """Notices on which something of this batch was decided."""
        self.held: Mapping[HeadKey, Head] = {}
        """Heads as they will be of which something else is held than before."""
        self.unopened: UnopenedAccounts | None = None
        """Accounts that were not open, on which the exact path decided."""
        self.linked: Sequence[Linked] = ()
        """What the exact path posted with links to other vouchers."""
        self._blocks: list[bytes] = []
        self._label = label
        self._timings = timings
        self._clock = clock

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times a step and marks its end for fault tests."""
        began = self._clock()
        yield
        self._timings[name] = self._timings.get(name, 0.0) + self._clock() - began
        self._label(name)

    def copy(self, query: str, parts: Sequence[bytes]) -> None:
        with self.cursor.copy(QUERIES[query]) as copy:
            copy.write(b"".join((COPY_HEADER, *parts, COPY_TRAILER)))

    def fence(self) -> None:
        """Step 1: source rows locked; each must stand where this worker left it."""
        advances = self.prepared.advances
        if not advances:
            return
        with self.step("fence"):
            parameters = {
                "topics": [a.topic for a in advances],
                "partitions": [a.partition for a in advances],
            }
            rows = self.cursor.execute(QUERIES["lock_sources"], parameters).fetchall()
            stand = {(row[0], row[1]): (row[2], row[3]) for row in rows}
            lost = [
                (a.topic, a.partition)
                for a in advances
                if stand.get((a.topic, a.partition)) != (a.incarnation, a.from_offset)
            ]
            if lost:
                raise FenceLostError(lost)

    def copy_inbox(self) -> None:
        """Step 2: the keys. A violation is the caller's to handle."""
        if self.prepared.inbox:
            with self.step("inbox"):
                self.copy("copy_inbox", self.prepared.inbox)

    def decide_over_columns(self) -> Layout:
        """Steps 3 to 5 when nothing can be refused; raises `SurpriseError` as soon as something can."""
        layout = self.prepared.layout
        assert layout is not None
        with self.step("subjects"):
            self._check_parked()
            if self.prepared.subjects:
                self.copy("copy_subjects", self.prepared.subjects)
            if self.prepared.parts:
                self.copy("copy_parts", self.prepared.parts)
        self.lock_heads(layout.heads)
        if self.heads is not None:
            if not self.heads.all_open or not sums_fit(self.heads.columns, layout.amounts):
                raise SurpriseError("an account is not open, or a counter could overflow")
            if not np.array_equal(self.heads.assets[layout.account], layout.asset):
                raise SurpriseError("an account is kept in another currency")
            if self.heads.limited:
                self._check_limits(self.heads, layout)
        return layout

    def _check_limits(self, heads: LockedHeads, layout: Layout) -> None:
        """Running balances of this batch against the limits of its heads, over columns."""
        numbered = number_entries(heads.columns, layout.account, layout.amounts, layout.is_debit)
        signed = np.where(layout.is_debit, layout.amounts, -layout.amounts)[numbered.order]
        entries = RunningColumns(layout.account[numbered.order], signed, numbered.running_minor)
        if reaches_limit(limit_columns(heads.keys, heads.limited), entries):
            raise LimitReachedError("an account would pass a limit")

    def _check_parked(self) -> None:
        """Events without a subject may still meet a parked order key; a rejected one may be what waits there for."""
        items = [item for item in self.prepared.items if type(item.fact) not in HAVE_SUBJECT]
        if not items:
            return
        parameters = {
            "books": [item.book.book_id for item in items],
            "keys": [item.incoming.order_key for item in items],
        }
        row = self.cursor.execute(QUERIES["parked_keys"], parameters).fetchone()
        if row is None or row[0]:
            raise SurpriseError("an order key is parked")

    def lock_heads(self, heads: Int64s) -> None:
        """Step 4: heads in key order, in a statement before any update of them."""
        if not len(heads):
            return
        with self.step("heads"):
            parameters = {"books": IntArray(heads >> 32, 4), "accounts": IntArray(heads & 0xFFFFFFFF, 4)}
            row = self.cursor.execute(QUERIES["lock_heads"], parameters).fetchone()
            if row is None or row[0] is None or not np.array_equal(row[0], heads & 0xFFFFFFFF):
                raise CorruptionError("an account has no head: run verify")
            limited = {} if row[5].isupper() else read_limits(self.cursor, heads)
            self.heads = LockedHeads(heads, HeadColumns(row[1], row[2], row[3]), row[4], row[5], limited)

    def write(self, layout: Layout, healed: Sequence[Item]) -> BatchResult:
        """Steps 6 and 7. After the books nothing here can refuse, but for the database's guards."""
        items = sorted_by_book(self.prepared.items, healed) if healed else self.prepared.items
        numbered = self._number(layout)
        positions, voucher_nos = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        if items:
            positions, voucher_nos = self._books(layout)
            self._demand_missing(items)
            if self.unopened is not None:
                self.unopened.demand_unopened(self.cursor)
            if self.notices is not None:
                self.notices.demand_last()
            # nothing can be refused after this line
            self._write_log(layout, numbered, positions, voucher_nos)
            self._write_dead_letters(items, positions)
            if self.linked:
                place = {id(item): position for item, position in zip(items, positions.tolist(), strict=True)}
                write_links(self.cursor, self.linked, place)
        self._advance_sources()
        return result_of(self.prepared, items, positions.tolist(), voucher_nos.tolist())

    def _number(self, layout: Layout) -> Numbered | None:
        if self.heads is None or not len(layout.amounts):
            return None
        began = self._clock()
        columns = self.heads.columns
        numbered = number_entries(columns, layout.account, layout.amounts, layout.is_debit)
        self._timings["decide"] = self._timings.get("decide", 0.0) + self._clock() - began
        return numbered

    def _books(self, layout: Layout) -> tuple[Int64s, Int64s]:
        """Step 6: positions and voucher numbers, and the sealed blocks."""
        with self.step("books"):
            spans = layout.spans
            ids = [span.book_id for span in spans]
            rows = self.cursor.execute(QUERIES["lock_books"], {"books": IntArray(np.array(ids), 4)}).fetchall()
            if len(rows) != len(spans):
                raise CorruptionError("a book is missing: run verify")
            positions, numbers, blocks, hashes, recorded = [], [], [], [], []
            firsts: list[int] = []
            voucher_firsts: list[int] = []
            for span, (book_id, position, voucher_no, number, previous, mode, chart, recorded_at_us, closed_us) in zip(
                spans, rows, strict=True
            ):
                if mode == "dropped":
                    raise ChartMovedError(f"book {book_id} was dropped since its chart was read")
                if mode != "open":
                    raise PostingHaltedError(self._halted(ids))
                if self.decided_closed_through.get(book_id, closed_us) != closed_us:
                    raise SurpriseError("a period closed or reopened meanwhile")
                if chart != span.chart_version:
                    raise ChartMovedError(f"book {book_id} posts by version {chart} of its chart now")
                last = position + span.stop - span.start
                sealed = block_hash(previous, span.merkle_root, book_id, position + 1, last, recorded_at_us)
                firsts.append(position + 1)
                voucher_firsts.append(voucher_no)
                positions.append(last)
                numbers.append(voucher_no + span.vouchers)
                hashes.append(sealed)
                recorded.append(recorded_at_us)
                numbers_of_block = (number + 1, self.prepared.batch_id, position + 1, last, recorded_at_us)
                hashes_of_block = (span.merkle_root, previous, sealed)
                blocks.append(block_row(book_id, numbers_of_block, hashes_of_block, span.leaf_marks))
            parameters = {
                "books": ids, "positions": positions, "voucher_nos": numbers, "hashes": hashes,
                "recorded_at_us": recorded, "min_effective_us": [span.min_effective_us for span in spans],
            }  # fmt: skip
            if self.cursor.execute(QUERIES["raise_books"], parameters).rowcount != len(spans):
                raise SurpriseError("a period closed or posting was halted meanwhile")
            self._blocks = blocks
            return places(layout, firsts, voucher_firsts)

    def _halted(self, book_ids: list[int]) -> list[str]:
        return [code for (code,) in self.cursor.execute(QUERIES["halted_of_ids"], (book_ids,))]

    def _demand_missing(self, items: Sequence[Item]) -> None:
        """What parks for a missing account must still miss it. Whoever opens one appends to the book before healing
        what waits: under the book's lock either we see the account, or the healer will see our dead letter."""
        missing = {
            (item.book.book_id, item.waits_for.removeprefix(ACCOUNT_WAITED_FOR))
            for item in items
            if item.outcome is Outcome.PARKED and item.waits_for.startswith(ACCOUNT_WAITED_FOR)
        }
        if self.accounts is not None:  # their heads are ours: who opens them here has what waits healed afterwards
            missing -= self.accounts.codes
        if missing:
            parameters = {"books": [book_id for book_id, _ in missing], "codes": [code for _, code in missing]}
            row = self.cursor.execute(QUERIES["opened_meanwhile"], parameters).fetchone()
            if row is None or row[0]:
                raise SurpriseError("an account that an event misses was opened meanwhile")
        books = [
            item.waits_for.removeprefix(BOOK_WAITED_FOR)
            for item in items
            if item.outcome is Outcome.PARKED and item.waits_for.startswith(BOOK_WAITED_FOR)
        ]
        if books:
            row = self.cursor.execute(QUERIES["created_meanwhile"], (books,)).fetchone()
            if row is None or row[0]:
                raise SurpriseError("a book that an event misses was created meanwhile")

    def _write_log(self, layout: Layout, numbered: Numbered | None, positions: Int64s, voucher_nos: Int64s) -> None:
        with self.step("blocks"):
            self.copy("copy_blocks", self._blocks)
        if numbered is not None or self.held or self.accounts is not None:
            with self.step("heads_written"):
                if self.accounts is not None:
                    self.accounts.before_heads()
                self._write_heads(layout, numbered)
                if self.accounts is not None:
                    self.accounts.after_heads()
        if numbered is not None:
            with self.step("entries"):
                self.copy("copy_entries", entry_rows(layout, numbered, positions))
        with self.step("events"):
            books = np.repeat(
                np.array([span.book_id for span in layout.spans], dtype=np.int64),
                [span.stop - span.start for span in layout.spans],
            )
            self.copy("copy_events", event_rows(layout, books, positions, voucher_nos))
        if self.holds is not None:
            with self.step("holds"):
                self.holds.write({span.book_id: int(positions[span.start]) for span in layout.spans})

    def _write_heads(self, layout: Layout, numbered: Numbered | None) -> None:
        """One update a head: those of which something else is held now by a statement of their own."""
        if self.held:
            update_held_heads(self.cursor, self.held)
        if numbered is None:
            return
        heads, after = layout.heads, numbered.heads
        if self.held:
            others = ~np.isin(heads, np.array(list(self.held), dtype=np.int64))
            heads, after = heads[others], HeadColumns(*(column[others] for column in after))
        parameters = {
            "books": IntArray(heads >> 32, 4), "accounts": IntArray(heads & 0xFFFFFFFF, 4),
            "sequences": IntArray(after.posting_sequence), "debits": IntArray(after.debits_minor),
            "credits": IntArray(after.credits_minor),
        }  # fmt: skip
        if self.cursor.execute(QUERIES["update_heads"], parameters).rowcount != len(heads):
            raise CorruptionError("an account has no head: run verify")

    def _write_dead_letters(self, items: Sequence[Item], positions: Int64s) -> None:
        letters = [
            dead_letter(item, position, self.prepared)
            for item, position in zip(items, positions.tolist(), strict=True)
            if item.refused is not None and item.refused.fault is None
        ]
        if letters:
            with self.step("dead_letters"):
                self.cursor.executemany(QUERIES["insert_dead_letters"], letters)
        place = {id(item): position for item, position in zip(items, positions.tolist(), strict=True)}
        resolved = [
            (item.book.book_id, item.position_parked or place[id(item.parked_as)], place[id(item)])
            for item in items
            if item.revision > 1 and item.arrival != FOLLOWER
        ]
        if resolved:
            parameters = {
                "books": [r[0] for r in resolved],
                "positions": [r[1] for r in resolved],
                "resolved": [r[2] for r in resolved],
            }
            self.cursor.execute(QUERIES["resolve_dead_letters"], parameters)

    def _advance_sources(self) -> None:
        """Step 7, last: the cursors with their counters."""
        advances = self.prepared.advances
        if not advances:
            return
        counts: Counter[tuple[str, int, Outcome]] = Counter()
        for item in self.prepared.items:
            if item.arrival == FOLLOWER:
                continue
            record = item.incoming.record
            counts[record.topic, record.partition, item.outcome] += 1
        for replay in self.prepared.replays:
            record = self.prepared.incoming[replay.arrival].record
            counts[record.topic, record.partition, Outcome.REPLAYED] += 1
        with self.step("sources"):
            parameters: dict[str, Sequence[object]] = {
                "topics": [a.topic for a in advances],
                "partitions": [a.partition for a in advances],
                "next_offsets": [a.next_offset for a in advances],
                "last_offsets": [a.last_offset for a in advances],
                "last_timestamps_ms": [a.last_timestamp_ms for a in advances],
                "last_hashes": [a.last_hash for a in advances],
                "gaps": [a.gaps for a in advances],
            }
            for outcome in Outcome:
                parameters[outcome.value.lower()] = [counts[a.topic, a.partition, outcome] for a in advances]
            if self.cursor.execute(QUERIES["advance_sources"], parameters).rowcount != len(advances):
                raise FenceLostError([(a.topic, a.partition) for a in advances])


def sorted_by_book(items: Sequence[Item], healed: Sequence[Item]) -> list[Item]:
    """Arrivals, then what they healed, per book: the order of the log."""
    return sorted([*items, *healed], key=lambda item: item.book.book_id)
