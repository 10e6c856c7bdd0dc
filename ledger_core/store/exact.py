"""The exact path: subjects, parked queues and captures read under lock, each event decided one by one."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ledger_core.domain.cases import Case, Decision, HeadKey, Locked, PartKey, Ruling, SubjectKey
from ledger_core.domain.decide import decide_batch
from ledger_core.domain.incoming import Incoming, Record
from ledger_core.domain.outcomes import Outcome
from ledger_core.domain.subjects import Subject
from ledger_core.domain.vouchers import Side
from ledger_core.store.account_cases import find_accounts
from ledger_core.store.crossing_events import closing_events, crossing_events
from ledger_core.store.cutting import demand_fits
from ledger_core.store.errors import QueueFullError, SurpriseError
from ledger_core.store.exchange_rows import judge_quotes
from ledger_core.store.headers import rows_to_headers
from ledger_core.store.hold_cases import demand_terms, read_holds
from ledger_core.store.items import FOLLOWER, Item, ParkedLetter, flat, refuse_misfits, settle
from ledger_core.store.leg_rows import LegRows
from ledger_core.store.link_rows import Linked
from ledger_core.store.notice_rows import read_notices
from ledger_core.store.original_rows import OriginalRows
from ledger_core.store.part_rows import PartRows
from ledger_core.store.policy_rows import read_policies
from ledger_core.store.prepare import Preparer
from ledger_core.store.rows import Layout, inbox_rows, lay_out
from ledger_core.store.subject_rows import SubjectRows, key_columns
from ledger_core.store.transaction import QUERIES, Transaction, sorted_by_book
from ledger_core.store.transfer_rows import read_transfers

MAX_PARKED = 1_000
"""Events of the log that may wait on one order key; each member of a group is one."""

Decode = Callable[[Record], Incoming]


@dataclass(slots=True, frozen=True)
class ParkedRecord:
    """The record of a dead letter, as it was received."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def decide_exactly(transaction: Transaction, preparer: Preparer, decode: Decode) -> tuple[Layout, list[Item]]:
    """Steps 3 to 5: locks what decides, decides, writes subjects.

    Returns the columns, and what stands behind the arrivals: what was healed, then what has to be told besides.
    """
    items = transaction.prepared.items
    with transaction.step("subjects"):
        _refuse_early(items)
        rows = SubjectRows(transaction)
        rows.lock(items)
        transaction.met_known_subjects = rows.met_known
        parked = _parked_items(transaction, rows.known, preparer, decode)
        _refuse_early(parked)
        transaction.holds = holds = read_holds(transaction, [*items, *parked], preparer)
        transaction.accounts = find_accounts(transaction.cursor, [*items, *parked], preparer)
        everything = [*items, *flat(parked)]
        transaction.notices = notices = read_notices(transaction.cursor, everything)
        parts = PartRows(transaction)
        parts.read(everything, rows.known)
        originals = OriginalRows(transaction, preparer, everything)
        originals.find(rows.known, parts.referred_to(everything, rows.known))
        legs = LegRows(everything, parts, preparer)
    locked = _lock(transaction, rows.known, parked, originals, legs, parts.first_told(everything))
    locked.notices = notices.known if notices is not None else {}
    _read_asked(transaction, everything, locked, legs.bearing)
    with transaction.step("decided"):
        arrivals = [item for item in items if item.arrival != FOLLOWER]
        decision = decide_batch(arrivals, locked, (*transaction.prepared.drain, *originals.answered()))
        demand_fits(len(items) + sum(1 + len(whole.followers) for whole in decision.healed))
        _demand_rows(transaction, decision, rows)
        if holds is not None:
            demand_terms(transaction, decision, holds)
            transaction.held = holds.moved(locked.heads)
        _demand_room(decision, locked)
        as_prepared, healed = _settle(arrivals, decision)
        if locked.vouchers.by_reference:
            transaction.linked = _linked(items, healed, decision)
        added = crossing_events(locked.crossings, sorted_by_book(items, healed))
        added += closing_events(locked.closings, sorted_by_book(items, healed), added)
        demand_fits(len(items) + len(healed) + len(added))
    if healed:
        _copy_healed_keys(transaction, healed)
    with transaction.step("subjects_written"):
        rows.update()
        parts.write()
        if notices is not None:
            notices.write(locked.told)
        _update_waiting(transaction, decision)
    layout = transaction.prepared.layout
    if layout is None or healed or added or not as_prepared or holds is not None:
        everything = sorted_by_book(items, [*healed, *added])
        layout = lay_out(everything, [place for place, item in enumerate(everything) if item.own is not None])
    if transaction.heads is not None:
        transaction.heads = transaction.heads.only(layout.heads)
    return layout, [*healed, *added]


def _refuse_early(items: Sequence[Item]) -> None:
    """What needs no lock to be refused, and only this path looks at."""
    refuse_misfits(items)
    judge_quotes(items)


def _parked_items(
    transaction: Transaction, known: dict[SubjectKey, Subject], preparer: Preparer, decode: Decode
) -> list[Item]:
    """The parked queues of the locked order keys, oldest first per book."""
    keys = [key for key, subject in known.items() if subject.parked]
    if not keys:
        return []
    rows = transaction.cursor.execute(QUERIES["parked_queue"], key_columns(keys)).fetchall()
    return preparer.prepare_parked(letters_of(rows, decode))


def letters_of(rows: Iterable[tuple[Any, ...]], decode: Decode) -> list[ParkedLetter]:
    """Rows of the query `parked_queue`, decoded anew."""
    letters = []
    for row in rows:
        (
            book_id,
            position,
            order_key,
            waits_for,
            event_id,
            source_id,
            revision,
            topic,
            partition,
            offset,
            timestamp,
            key,
            value,
            headers,
        ) = row
        record = ParkedRecord(topic, partition, offset, timestamp, key, value, rows_to_headers(headers))
        incoming = decode(record)
        letters.append(ParkedLetter(book_id, position, order_key, waits_for, event_id, source_id, revision, incoming))
    return letters


def _lock(
    transaction: Transaction,
    known: dict[SubjectKey, Subject],
    parked: Sequence[Item],
    originals: OriginalRows,
    legs: LegRows,
    first_told: dict[PartKey, str],
) -> Locked:
    """Step 4 for every account that this batch could touch, and what is read under these locks."""
    items = transaction.prepared.items
    moved = [movement.head for item in (*items, *flat(parked)) for movement in item.movements]
    moved += [*originals.heads(), *legs.heads()]
    unopened = transaction.unopened.heads() if transaction.unopened is not None else {}
    moved = [head for head in moved if head not in unopened]
    moved += transaction.holds.stored_heads if transaction.holds is not None else []
    transaction.lock_heads(np.unique(np.array(moved, dtype=np.int64)))
    originals.judge()
    queues: dict[SubjectKey, deque[Case]] = defaultdict(deque)
    for item in parked:
        queues[item.subject_key].append(item)
    books = {item.book.book_id: item.book for item in (*items, *parked)}
    rows = transaction.cursor.execute(QUERIES["closed_through"], {"books": list(books)}).fetchall()
    transaction.decided_closed_through = dict(rows)
    counts: dict[int, int] = dict.fromkeys(books, 0)
    for item in items:
        counts[item.book.book_id] += 1
    heads = transaction.heads.by_key() if transaction.heads is not None else {}
    if transaction.holds is not None:
        transaction.holds.read_pending(heads)
    if transaction.accounts is not None:
        transaction.accounts.read(heads)
    heads.update(unopened)
    locked = Locked(
        heads=heads,
        subjects=known,
        first_told=first_told,
        holds=transaction.holds.known if transaction.holds is not None else {},
        queues=dict(queues),
        vouchers=originals.vouchers,
        accounts=transaction.accounts.known if transaction.accounts is not None else {},
        closed_through_us=transaction.decided_closed_through,
        redirecting=frozenset(book_id for book_id, book in books.items() if book.chart.late_events == "redirect"),
        requiring_profiles=frozenset(book_id for book_id, book in books.items() if book.chart.requires_profiles),
        next_reference={book_id: transaction.prepared.batch_id << 16 | count for book_id, count in counts.items()},
    )
    legs.lend(locked)
    return locked


def _read_asked(
    transaction: Transaction, items: Sequence[Item], locked: Locked, by_legs: Mapping[HeadKey, Side]
) -> None:
    """What the charts of books ask of payments and transfers, and what that is decided on."""
    read_policies(transaction, items, locked, by_legs)
    read_transfers(transaction, items, locked)


def _demand_rows(transaction: Transaction, decision: Decision, rows: SubjectRows) -> None:
    """What is accepted needs its accounts, and an event that parks a locked subject row: where one has none, the batch
    starts over with all of them."""
    if transaction.unopened is not None:
        transaction.unopened.demand_opened(decision)
    if transaction.prepared.lock_every_key:
        return
    if any(r.outcome is Outcome.PARKED and r.case.subject_key not in rows.locked for r in decision.arrivals):
        transaction.prepared.lock_every_key = True
        raise SurpriseError("an event without a subject parks")


def _demand_room(decision: Decision, locked: Locked) -> None:
    """A queue is bounded: what waits is read with every event of its key, and somebody must look at what blocks it."""
    parked = [ruling.case for ruling in decision.arrivals if ruling.outcome is Outcome.PARKED]
    keys = {case.subject_key for case in parked}
    waiting = {key: sum(1 + len(case.followers) for case in locked.queues[key]) for key in keys}
    full = [case for case in parked if waiting[case.subject_key] > MAX_PARKED]
    if full:
        records = [case.incoming.record for case in full if isinstance(case, Item)]
        partitions = dict.fromkeys((record.topic, record.partition) for record in records)
        raise QueueFullError(full[0].subject_key[1], list(partitions))


def _settle(items: Sequence[Item], decision: Decision) -> tuple[bool, list[Item]]:
    """Writes rulings into items. Says whether all came out as they were prepared, and what was healed."""
    as_prepared = True
    for item, whole in zip(items, decision.arrivals, strict=True):
        for member, ruling in zip(item.members, (whole, *whole.followers), strict=True):
            member.waits_for = whole.case.waits_for
            if (
                ruling.outcome is not member.outcome
                or ruling.refusal is not member.refused
                or (ruling.refusal is None and ruling.draft is not member.draft)
                or ruling.late is not None
            ):
                settle(member, ruling.outcome, ruling.refusal, ruling.draft, ruling.movements, ruling.late)
                as_prepared = False
    return as_prepared, flat([_healed(ruling) for ruling in decision.healed])


def _linked(items: Sequence[Item], healed: Sequence[Item], decision: Decision) -> list[Linked]:
    """What posted with details of its own, links among them."""
    rulings = [one for whole in (*decision.arrivals, *decision.healed) for one in (whole, *whole.followers)]
    return [
        (item, ruling.draft)
        for item, ruling in zip((*items, *healed), rulings, strict=True)
        if ruling.draft is not None and ruling.draft.details
    ]


def _healed(whole: Ruling) -> Item:
    """A parked item with its outcome: the dead letter's own, or one revision after an arrival of this batch."""
    item = whole.case
    assert isinstance(item, Item)
    if item.arrival >= 0:
        parked_as = item.at_fault
        followers = [replace(member, revision=member.revision + 1) for member in item.members[1:]]
        item = replace(item, arrival=-1, revision=item.revision + 1, parked_as=parked_as, followers=followers)
    for member, ruling in zip(item.members, (whole, *whole.followers), strict=True):
        settle(member, ruling.outcome, ruling.refusal, ruling.draft, ruling.movements, ruling.late)
    return item


def _update_waiting(transaction: Transaction, decision: Decision) -> None:
    """Dead letters of earlier batches that wait for something else than before; those of this one say it at once."""
    waiting = [case for case in decision.waiting if isinstance(case, Item) and case.position_parked]
    if waiting:
        parameters = {
            "books": [item.book.book_id for item in waiting],
            "positions": [item.position_parked for item in waiting],
            "waits_for": [item.waits_for for item in waiting],
        }
        transaction.cursor.execute(QUERIES["update_waiting"], parameters)


def _copy_healed_keys(transaction: Transaction, healed: Sequence[Item]) -> None:
    """Inbox rows of the next revision. Their subjects are locked, so nobody else writes these keys."""
    counts: dict[int, int] = defaultdict(int)
    for item in transaction.prepared.items:
        counts[item.book.book_id] += 1
    rows = inbox_rows(sorted_by_book(healed, ()), transaction.prepared.batch_id, counts)
    transaction.copy("copy_inbox", rows)
