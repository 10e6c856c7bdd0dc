"""The log read again from end to end: blocks and their roots, events, entries and inbox, side by side in one pass.

A share of the log is scanned without knowing what came before it; `ShareResult` says what it assumed, and `run`
puts shares together in order and compares.
"""

import gc
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, Final

import numpy as np
import psycopg

from ledger_core.store import cutting
from ledger_core.store.blocks import ZERO_HASH, block_hash, leaf_hashes
from ledger_core.store.named_sql import load_queries
from ledger_core.store.proof.signing import CHECKPOINT_SIGNED
from ledger_core.store.verify.accounts import AccountFold, Accounts, Entries, load_accounts
from ledger_core.store.verify.at_once import AtOnce, Proven, Rest, unproven
from ledger_core.store.verify.exchanges import ExchangeSums
from ledger_core.store.verify.groups import GroupScan, follows
from ledger_core.store.verify.holds import HOLD_EXPIRED, HoldSums
from ledger_core.store.verify.inbox import InboxRows, compare_inbox
from ledger_core.store.verify.lines import Document, Names, check_balance, compare_lines
from ledger_core.store.verify.links import LINKING, SaidLinks
from ledger_core.store.verify.marks import BlockScan
from ledger_core.store.verify.notices import NoticeSums
from ledger_core.store.verify.parts import TOLD, PartSums
from ledger_core.store.verify.regular import count_sources, entries_agree, inbox_agrees, read_regular
from ledger_core.store.verify.report import Tally
from ledger_core.store.verify.rows import (
    BUCKET,
    Block,
    EntryBuckets,
    Events,
    InboxBlocks,
    decode,
    kinds_of,
    only_outcomes,
    references_of,
)
from ledger_core.store.verify.snapshot import Span
from ledger_core.store.verify.subjects import SubjectSums, amount_of

VOUCHER_POSTED: Final = "voucher.posted"
SourceCounts = Counter[tuple[str, int, str]]
"""First outcomes by topic, partition and event type."""


@dataclass(slots=True)
class SpanResult:
    """What one run of blocks adds up to; the numbers it began with are checked by who puts runs together."""

    span: Span
    accounts: AccountFold
    subjects: SubjectSums = field(default_factory=SubjectSums)
    parts: PartSums = field(default_factory=PartSums)
    holds: HoldSums = field(default_factory=HoldSums)
    exchanges: ExchangeSums = field(default_factory=ExchangeSums)
    notices: NoticeSums = field(default_factory=NoticeSums)
    links: SaidLinks = field(default_factory=SaidLinks)
    first_voucher_no: int = 0
    last_voucher_no: int = 0
    last_hash: bytes = ZERO_HASH
    checkpoints: list[int] = field(default_factory=list)
    """Positions of signed checkpoints."""
    last_of_type: dict[str, int] = field(default_factory=dict)
    """A position behind which no event of a type stands."""
    order_keys: set[str] = field(default_factory=set)
    """Of what was accepted, where the book is verified from a block on."""


@dataclass(slots=True)
class ShareResult:
    """What one share of the log adds up to."""

    tally: Tally = field(default_factory=Tally)
    spans: list[SpanResult] = field(default_factory=list)
    sources: SourceCounts = field(default_factory=Counter)


def scan_share(
    connection: psycopg.Connection[Any], spans: Sequence[Span], advance: Callable[[int], None]
) -> ShareResult:
    """Scan runs of blocks in order; `advance` is told how many positions each step did."""
    result = ShareResult()
    with _collector_at_rest():
        for span in spans:
            result.spans.append(_SpanScan(connection, span, result).run(advance))
    return result


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Millions of small objects, none of them in a cycle: looking for cycles costs half the time of a scan."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _SpanScan:
    def __init__(self, connection: psycopg.Connection[Any], span: Span, share: ShareResult) -> None:
        self._connection = connection
        self._queries = load_queries("ledger_core.store.verify", "checks.sql")
        self._span = span
        self._tally = share.tally
        self._sources = share.sources
        self._accounts: Accounts = load_accounts(connection, span.book_id)
        assets: dict[str, int] = dict(connection.execute(self._queries["assets"]).fetchall())
        self._names = Names(self._accounts, assets)
        self._currencies = {asset_id: code for code, asset_id in assets.items()}
        self._source_ids: dict[str, int] = dict(
            connection.execute(self._queries["sources"], (span.book_id,)).fetchall()
        )
        self._result = SpanResult(span, AccountFold(len(self._accounts.codes)))
        self._at_once = AtOnce(self._names, self._source_ids)
        self._groups = GroupScan(span.book, share.tally)
        self._large: list[Block] = []
        """With more events than a log reference can count: well only where nothing refers to those beyond."""

    def run(self, advance: Callable[[int], None]) -> SpanResult:
        span = self._span
        blocks = self._blocks()
        sealed = BlockScan(self._connection, span, blocks, self._tally)
        with (
            closing(EntryBuckets(self._connection, self._queries["entries"], span, self._accounts)) as entries,
            closing(InboxBlocks(self._connection, self._queries["inbox"], span)) as inbox,
        ):
            for bucket, first in enumerate(range(span.first_position, span.last_position + 1, BUCKET)):
                last = min(first + BUCKET - 1, span.last_position)
                events = self._events(first, last)
                sealed.take(events, last)
                self._check_numbers(events)
                self._compare(events, entries.take(bucket), inbox.take(first, last), blocks)
                advance(last - first + 1)
        self._groups.end()
        return self._result

    def _blocks(self) -> list[Block]:
        """The run's blocks, their chain checked; it goes on from the block before the run."""
        span, tally = self._span, self._tally
        begin = max(span.first_block - 1, 1)
        with self._connection.cursor(binary=True) as cursor:
            rows = cursor.execute(self._queries["blocks"], (span.book_id, begin, span.last_block)).fetchall()
        blocks = [Block(*row) for row in rows]
        before = Block(0, 0, 0, 0, -(2**62), b"", b"", ZERO_HASH)
        if blocks and span.first_block > 1 and blocks[0].number == begin:
            before = blocks.pop(0)
        for name in ("blocks", "block_hashes", "block_times", "merkle_roots"):
            tally.count(name, len(blocks))
        for number, block in enumerate(blocks, start=span.first_block):
            where = f"book {span.book}: block {block.number}"
            if block.number != number or block.first != before.last + 1 or block.last < block.first:
                tally.bad("blocks", where)
            sealed = block_hash(block.previous, block.root, span.book_id, block.first, block.last, block.recorded_at_us)
            if block.previous != before.hash or block.hash != sealed:
                tally.bad("block_hashes", where)
            if block.recorded_at_us < before.recorded_at_us:
                tally.bad("block_times", where)
            if block.last - block.first >= cutting.MAX_BATCH_EVENTS:
                self._large.append(block)
            before = block
        self._result.last_hash = before.hash
        if before.number != span.last_block or before.last != span.last_position:
            tally.bad("blocks", f"book {span.book}: no block {span.last_block} up to {span.last_position}")
        return blocks

    def _events(self, first: int, last: int) -> Events:
        with self._connection.cursor(binary=True) as cursor:
            rows = cursor.execute(self._queries["events"], (self._span.book_id, first, last), prepare=True).fetchall()
        self._tally.count("positions", len(rows))
        if not rows:
            self._tally.bad("positions", f"book {self._span.book}: no event at position {first}")
            return Events([], [], [], [], [], [])
        positions, voucher_nos, types, order_keys, originators, versions, states = map(list, zip(*rows, strict=True))
        if len(rows) != last - first + 1:
            missing = next(p for p, found in zip(range(first, last + 1), [*positions, 0], strict=False) if p != found)
            self._tally.bad("positions", f"book {self._span.book}: no event at position {missing}")
        self._result.last_of_type.update(dict.fromkeys(types, last))
        if CHECKPOINT_SIGNED in types:
            self._result.checkpoints += compress(positions, [name == CHECKPOINT_SIGNED for name in types])
        leaves = leaf_hashes(types, order_keys, list(zip(originators, versions, strict=True)), states)
        return Events(positions, voucher_nos, types, order_keys, leaves, states)

    def _check_numbers(self, events: Events) -> None:
        result, tally = self._result, self._tally
        numbers = np.array(events.voucher_nos, dtype=np.int64)
        is_voucher = np.array([name == VOUCHER_POSTED for name in events.types], dtype=np.bool_)
        tally.count("voucher_numbers", int(is_voucher.sum()))
        wrong = (numbers > 0) != is_voucher
        numbered = np.flatnonzero(is_voucher)
        if len(numbered):
            if not result.first_voucher_no:
                result.first_voucher_no = int(numbers[numbered[0]])
                result.last_voucher_no = result.first_voucher_no - 1
            wrong[numbered] |= numbers[numbered] != np.arange(len(numbered)) + result.last_voucher_no + 1
            result.last_voucher_no = int(numbers[numbered[-1]])
        if wrong.any():
            position = events.positions[int(np.argmax(wrong))]
            tally.bad("voucher_numbers", f"book {self._span.book}: event at position {position}")

    def _compare(self, events: Events, entries: Entries | None, inbox: InboxRows, blocks: list[Block]) -> None:
        """Events against entries and inbox: all at once where that proves them, else one by one."""
        outcomes = only_outcomes(events)
        self._check_ordinals(outcomes)
        if HOLD_EXPIRED in events.types:
            self._take_expiries(events)
        self._tally.count("entries_match_events", outcomes.types.count(VOUCHER_POSTED))
        self._tally.count("events_to_inbox", len(outcomes.positions))
        self._tally.count("inbox_to_events", len(inbox.event_ids))
        if entries is not None:
            self._check_entries(entries)
        proven, which = self._at_once.prove(outcomes, entries, inbox)
        self._take_proven(proven, blocks)
        self._compare_rest(unproven(which, outcomes, entries, inbox), events.positions[-1:], blocks)

    def _take_proven(self, proven: Proven, blocks: list[Block]) -> None:
        proven.count_sources(self._sources)
        outcomes = proven.outcomes
        for alike in proven.alike:
            rows = alike.rows.tolist()
            every = len(rows) == len(outcomes.order_keys)
            order_keys = outcomes.order_keys if every else list(map(outcomes.order_keys.__getitem__, rows))
            positions = list(map(outcomes.positions.__getitem__, rows))
            places = references_of(np.array(positions, dtype=np.int64), blocks)
            self._result.subjects.take_kind(alike.kind, order_keys, alike.amount, places)
            if self._span.resumed:
                self._result.order_keys.update(order_keys)
            if alike.kind in LINKING or alike.kind in TOLD:
                self._take_told(
                    outcomes.some(np.isin(np.arange(len(outcomes.states)), rows).tolist()),
                    [alike.kind] * len(rows),
                    blocks,
                )

    def _compare_rest(self, rest: Rest, last: list[int], blocks: list[Block]) -> None:
        """What follows no pattern: by the regular expression where that proves it, else one by one."""
        outcomes, entries, inbox = rest.outcomes, rest.entries, rest.inbox
        states = read_regular(outcomes.positions, outcomes.types, outcomes.order_keys, outcomes.states)
        if (
            states is not None
            and inbox_agrees(states, inbox, self._source_ids)
            and entries_agree(states, entries, self._accounts, self._currencies)
        ):
            self._groups.skip(last[0] if last else 0)
            self._sources.update(count_sources(states))
            kinds, amounts = states.kinds, states.amounts
        else:
            kinds, amounts = self._compare_one_by_one(outcomes, entries, inbox)
        if self._span.resumed:
            self._result.order_keys.update(compress(outcomes.order_keys, kinds))
        self._take_told(outcomes, kinds, blocks)
        self._result.subjects.take_events(
            outcomes.order_keys, outcomes.positions, kinds, amounts, lambda at: references_of(at, blocks)
        )

    def _take_told(self, outcomes: Events, kinds: list[bytes], blocks: list[Block]) -> None:
        """What outcomes of these kinds say of links and parts."""
        self._result.links.take(outcomes.positions, outcomes.voucher_nos, kinds, outcomes.states)
        self._result.parts.take_events(
            outcomes.order_keys, outcomes.positions, kinds, outcomes.states, lambda at: references_of(at, blocks)
        )

    def _check_ordinals(self, outcomes: Events) -> None:
        """Accounts that open on the fly may be more in one block; outcomes may not, since vouchers are referred to."""
        for block in self._large:
            beyond = bisect_left(outcomes.positions, block.first + cutting.MAX_BATCH_EVENTS)
            if beyond < len(outcomes.positions) and outcomes.positions[beyond] <= block.last:
                where = f"block {block.number}: no reference leads to position {outcomes.positions[beyond]}"
                self._tally.bad("blocks", f"book {self._span.book}: {where}")

    def _take_expiries(self, events: Events) -> None:
        """They answer no upstream event, so they are no outcomes."""
        expired = [name == HOLD_EXPIRED for name in events.types]
        hold_ids = list(compress(events.order_keys, expired))
        self._result.holds.take_events(
            hold_ids, list(compress(events.positions, expired)), decode(list(compress(events.states, expired)))
        )
        if self._span.resumed:
            self._result.order_keys.update(hold_ids)

    def _compare_one_by_one(
        self, outcomes: Events, entries: Entries | None, inbox: InboxRows
    ) -> tuple[list[bytes], list[int]]:
        """Every state decoded; returns the upstream types of what was accepted, and the amounts."""
        documents = decode(outcomes.states)
        vouchers = [name == VOUCHER_POSTED for name in outcomes.types]
        compare_lines(
            list(compress(documents, vouchers)),
            list(compress(outcomes.positions, vouchers)),
            entries,
            self._names,
            self._span.book,
            self._tally,
        )
        self._result.holds.take_events(outcomes.order_keys, outcomes.positions, documents)
        self._result.notices.take_events(documents)
        self._result.parts.take_splits(outcomes.order_keys, documents)
        self._result.exchanges.take_events(outcomes.order_keys, documents)
        self._groups.take(documents, outcomes.types, outcomes.positions)
        compare_inbox(documents, outcomes.positions, inbox, self._source_ids, self._span.book, self._tally)
        self._count_sources(outcomes.types, documents)
        return kinds_of(documents), [amount_of(document) for document in documents]

    def _check_entries(self, entries: Entries) -> None:
        book, tally, accounts = self._span.book, self._tally, self._accounts
        for name in ("posting_sequences", "running_balances"):
            tally.count(name, len(entries.position))
        check_balance(entries, book, tally)
        known = entries.account >= 0
        if not known.all():
            position = entries.position[int(np.argmin(known))]
            tally.bad("entries_match_events", f"book {book}: entry at position {position} has no account")
            return
        self._result.accounts.take(entries, accounts.codes, book, tally)
        tally.count("entry_currencies", len(entries.position))
        for name, wrong in (
            ("entry_currencies", accounts.assets[entries.account] != entries.asset),
            ("entry_order_keys", accounts.keyed[entries.account] != entries.has_order_key),
        ):
            if wrong.any():
                position = entries.position[int(np.argmax(wrong))]
                tally.bad(name, f"book {book}: entry at position {position}")

    def _count_sources(self, types: list[str], documents: list[Document]) -> None:
        """Outcomes by partition; later revisions were not consumed, they healed, in their own book or in another."""
        for name, document in zip(types, documents, strict=True):
            if document.get("revision", 1) == 1 and "parked_at" not in document and not follows(document):
                try:
                    topic, partition, _ = document["cause"]
                    self._sources[topic, partition, name] += 1
                except (KeyError, TypeError, ValueError):
                    # No cause can be read: the counters will not add up, and the Merkle root says where.
                    continue
