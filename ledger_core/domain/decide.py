"""Decides a batch: each event whole or not at all, later ones on what earlier ones left behind.

Everything here works on values that were read under lock. One by one, `decide_batch` can refuse anything;
`number_entries` decides whole columns at once in a batch in which nothing can be refused, and gives every accepted
entry its place and running balance in both cases (ADRs/0002-lock-order-and-two-paths.md).
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger_core.domain import payment_rules
from ledger_core.domain.account_life import add_up
from ledger_core.domain.cases import Case, Decision, Locked, Ruling, SubjectKey
from ledger_core.domain.groups import decide_group, refused
from ledger_core.domain.heads import apply, late, refuse_voucher
from ledger_core.domain.life_cycles import life_cycle_of
from ledger_core.domain.limit_checks import crossings
from ledger_core.domain.money import MAX_COUNTER_MINOR
from ledger_core.domain.outcomes import Code, Outcome, Refusal, first_of
from ledger_core.domain.queues import QUEUED, HeldUp
from ledger_core.domain.subjects import Subject

Int64s = NDArray[np.int64]


def decide_batch(arrivals: Iterable[Case], locked: Locked, drain: Iterable[SubjectKey] = ()) -> Decision:
    """Decides arrivals in order, then drains the queues that they, or `drain`, woke. Changes `locked`."""
    satisfied: dict[SubjectKey, None] = dict.fromkeys(drain)
    decision = Decision([], [], [])
    held_up: dict[SubjectKey, HeldUp] = {}
    for case in arrivals:
        follows_drain = case.subject_key in satisfied
        ruling = _decide_arrival(case, locked, satisfied, held_up)
        if ruling.outcome is Outcome.PARKED:
            _park(ruling, locked, held_up)
            if follows_drain:
                decision.postponed[id(case)] = ruling
        decision.arrivals.append(ruling)
        _note(ruling, locked)
    for key in satisfied:
        _drain(key, locked, decision)
    return decision


_QUEUED = Refusal(Code.ORDER_KEY_PARKED, "an earlier event of this order key is parked", QUEUED)


def _decide_arrival(
    case: Case, locked: Locked, satisfied: dict[SubjectKey, None], held_up: dict[SubjectKey, HeldUp]
) -> Ruling:
    """An arrival on a parked order key queues, save the first that heals its head: once a queue is about to
    drain, what comes later stands behind it, as it would in a batch of its own."""
    key = case.subject_key
    queue = held_up.get(key)
    if queue is None and locked.queues.get(key):
        queue = held_up[key] = HeldUp(locked.queues[key])
    if case.refusal is not None and case.refusal.final:
        if queue is not None and queue.answered_by(case):
            satisfied[key] = None
        return refused(case, case.refusal)
    if queue is None:
        return _decide(case, locked)
    if key in satisfied or queue.holds(case):
        return refused(case, first_of(case.refusal, _QUEUED) or _QUEUED)
    answers = queue.answered_by(case)
    ruling = _decide(case, locked)
    # Who waits for this very event is answered by its refusal, too.
    if ruling.outcome in (Outcome.POSTED, Outcome.RECORDED) or (answers and ruling.outcome is Outcome.REJECTED):
        satisfied[case.subject_key] = None
    return ruling


def _park(ruling: Ruling, locked: Locked, held_up: dict[SubjectKey, HeldUp]) -> None:
    assert ruling.refusal is not None
    key = ruling.case.subject_key
    ruling.case.waits_for = ruling.refusal.waits_for
    locked.queues.setdefault(key, deque()).append(ruling.case)
    if key in held_up:
        held_up[key].add(ruling.case)
    locked.subjects.setdefault(key, Subject()).parked += 1


def _drain(key: SubjectKey, locked: Locked, decision: Decision) -> None:
    """Oldest first, and again whenever one leaves: what one that stays holds up stays behind it in order."""
    queue = locked.queues.get(key, deque())
    while any(_leaving(queue, locked, decision)):
        pass


def _leaving(queue: deque[Case], locked: Locked, decision: Decision) -> Iterator[bool]:
    """Whether each leaves, from the oldest on, of those that nobody holds up who stays."""
    held_up = HeldUp()
    for case in list(queue):
        if not held_up.holds(case):
            yield _leave_queue(case, queue, locked, decision)
        held_up.add(case)


def _leave_queue(case: Case, queue: deque[Case], locked: Locked, decision: Decision) -> bool:
    """Decides a parked case again. False when it stays, with what it waits for now."""
    key = case.subject_key
    case.reference = locked.next_reference[key[0]]
    ruling = _decide(case, locked)
    if ruling.outcome is Outcome.PARKED:
        assert ruling.refusal is not None
        if case.waits_for != ruling.refusal.waits_for:
            case.waits_for = ruling.refusal.waits_for
            decision.waiting.append(case)
        arrival = decision.postponed.pop(id(case), None)
        if arrival is not None:  # it came after the drain that is under way: this is the first look at it
            arrival.refusal, arrival.followers = ruling.refusal, ruling.followers
        return False
    locked.next_reference[key[0]] += 1 + len(case.followers)
    del queue[next(place for place, parked in enumerate(queue) if parked is case)]
    locked.subjects[key].parked -= 1
    decision.healed.append(ruling)
    _note(ruling, locked)
    return True


def _note(ruling: Ruling, locked: Locked) -> None:
    """Keeps what later cases of the batch decide on besides heads and subjects."""
    if locked.vouchers.stands:
        locked.vouchers.note(ruling)
    if locked.accounts:
        add_up(ruling, locked)
    if locked.of_orders:
        payment_rules.add_up(ruling, locked)


def _decide(case: Case, locked: Locked) -> Ruling:
    return decide_group(case, locked, _decide_one) if case.followers else _decide_one(case, locked)


def _decide_one(case: Case, locked: Locked) -> Ruling:
    """One case by all rules in the order of `Code`; an accepted one changes heads, and what its life cycle keeps."""
    life = life_cycle_of(case.fact)
    known = case.refusal
    if known is not None and life.lifts is not None and life.lifts(case, locked):
        known = None
    refusal = first_of(known, life.refuse(case, locked))
    if refusal is not None:
        return Ruling(case, refusal.outcome, refusal)

    proposal = life.propose(case, locked)
    refusal = refuse_voucher(proposal, case, locked) or life.refuse_sums(case, locked)
    if refusal is not None:
        return Ruling(case, refusal.outcome, refusal)

    # nothing can fail after this line
    locked.crossings += crossings(proposal, case, locked)
    life.accept(case, locked)
    draft, movements = proposal.draft, proposal.movements
    if not movements:
        return Ruling(case, life.unposted, None, draft)
    for movement in movements:
        apply(movement, locked.heads[movement.head])
    return Ruling(case, Outcome.POSTED, None, draft, movements, late(case, locked))


class HeadColumns(NamedTuple):
    """Locked heads as columns, in key order."""

    posting_sequence: Int64s
    debits_minor: Int64s
    credits_minor: Int64s


class Numbered(NamedTuple):
    """Places and running balances of entries, sorted by account and arrival: `order[i]` is the place in the
    input of the i-th row here. `heads` is what the heads become."""

    order: Int64s
    posting_sequence: Int64s
    running_minor: Int64s
    heads: HeadColumns


def sums_fit(heads: HeadColumns, amounts: Int64s) -> bool:
    """True when max |counter| + the sum of amounts is below 2^63, computed in Python's integers: numpy wraps."""
    if not len(amounts):
        return True
    largest = max(int(heads.debits_minor.max()), int(heads.credits_minor.max()))
    return (
        largest + int(amounts.max()) * len(amounts) <= MAX_COUNTER_MINOR
        or largest + sum(amounts.tolist()) <= MAX_COUNTER_MINOR
    )


def number_entries(heads: HeadColumns, account: Int64s, amounts: Int64s, is_debit: NDArray[np.bool_]) -> Numbered:
    """Gives accepted entries their posting_sequence and running balance (debits less credits).

    `account[i]` is the row in `heads` of entry i; every head has at least one entry. Requires `sums_fit`.
    """
    order = np.argsort(account, kind="stable")
    owner = account[order]
    counts = np.bincount(owner, minlength=len(heads.posting_sequence))
    ends = np.cumsum(counts)
    starts = ends - counts
    rank = np.arange(len(owner), dtype=np.int64) - starts[owner] + 1

    debits = np.where(is_debit, amounts, 0)[order]
    credits = np.where(is_debit, 0, amounts)[order]
    debits_sum = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(debits)))
    credits_sum = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(credits)))
    net_before = (heads.debits_minor - heads.credits_minor) - (debits_sum[starts] - credits_sum[starts])
    running = net_before[owner] + debits_sum[1:] - credits_sum[1:]
    after = HeadColumns(
        heads.posting_sequence + counts,
        heads.debits_minor + debits_sum[ends] - debits_sum[starts],
        heads.credits_minor + credits_sum[ends] - credits_sum[starts],
    )
    return Numbered(order, heads.posting_sequence[owner] + rank, running, after)
