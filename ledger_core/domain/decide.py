"""Decides a batch: each event whole or not at all, later ones on what earlier ones left behind.

Everything here works on values that were read under lock. One by one, `decide_batch` can refuse anything;
`number_entries` decides whole columns at once in a batch in which nothing can be refused (architecture.md,
section 5, step 5), and gives every accepted entry its place and running balance in both cases.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger_core.domain import subjects
from ledger_core.domain.money import MAX_COUNTER_MINOR
from ledger_core.domain.outcomes import Code, Outcome, Refusal, first_of
from ledger_core.domain.payments import Fact, PaymentVoided
from ledger_core.domain.periods import NEVER_US, Late, redirect
from ledger_core.domain.subjects import Subject
from ledger_core.domain.vouchers import Draft, Line, mirror

Int64s = NDArray[np.int64]
HeadKey = int
"""book_id << 32 | account_id: one integer per account, sorted like the key of the heads."""
SubjectKey = tuple[int, str]
"""book_id and order key."""

OPEN, FROZEN, CLOSED = "O", "F", "C"


@dataclass(slots=True)
class Head:
    """What a locked account head says. Counters in minor units of `asset_id`."""

    posting_sequence: int
    debits_minor: int
    credits_minor: int
    asset_id: int
    status: str = OPEN


class Movement(NamedTuple):
    """A line whose account was found. `asset_id` is the line's own; entries of `keyed` accounts have the order key."""

    head: HeadKey
    asset_id: int
    keyed: bool
    line: Line


@dataclass(slots=True)
class Case:
    """One event to be decided. `movements` is empty where nothing is posted.

    `reference` is where its event will stand if it is decided in this batch (batch_id << 16 | ordinal).
    """

    subject_key: SubjectKey
    fact: Fact | None
    asset_id: int
    draft: Draft | None
    movements: Sequence[Movement]
    refusal: Refusal | None
    effective_at_us: int
    reference: int
    waits_for: str = field(default="", kw_only=True)
    """Of a case taken from a parked queue: what it was waiting for."""


@dataclass(slots=True)
class Ruling:
    """What became of one case. `draft` and `movements` are what is posted, a void's mirror included."""

    case: Case
    outcome: Outcome
    refusal: Refusal | None = None
    draft: Draft | None = None
    movements: Sequence[Movement] = ()
    late: Late | None = None
    """Set where the voucher was moved out of a closed period."""


@dataclass(slots=True)
class Locked:
    """Everything that was read under lock. `queues` are the parked cases of an order key, oldest first;
    `captures` are the posted lines of captures by reference, for the mirror of a void."""

    heads: Mapping[HeadKey, Head]
    subjects: dict[SubjectKey, Subject]
    queues: dict[SubjectKey, deque[Case]] = field(default_factory=dict)
    captures: dict[int, Sequence[Movement]] = field(default_factory=dict)
    closed_through_us: Mapping[int, int] = field(default_factory=dict)
    redirecting: frozenset[int] = frozenset()
    """Books whose late vouchers go to the first open moment instead of waiting."""
    next_reference: dict[int, int] = field(default_factory=dict)
    """Per book: where the next healed event will stand, after all arrivals."""


@dataclass(slots=True)
class Decision:
    """Rulings of the arrivals in their order, then of the parked cases that this batch healed.

    `healed` cases leave their queues; a healed case has an outcome other than PARKED. `waiting` cases stay,
    and wait for something else than before.
    """

    arrivals: list[Ruling]
    healed: list[Ruling]
    waiting: list[Case]


def decide_batch(arrivals: Iterable[Case], locked: Locked, drain: Iterable[SubjectKey] = ()) -> Decision:
    """Decides arrivals in order, then drains the queues that they, or `drain`, woke. Changes `locked`."""
    satisfied: dict[SubjectKey, None] = dict.fromkeys(drain)
    rulings = []
    for case in arrivals:
        ruling = _decide_arrival(case, locked, satisfied)
        if ruling.outcome is Outcome.PARKED:
            _park(ruling, locked)
        rulings.append(ruling)
    decision = Decision(rulings, [], [])
    for key in satisfied:
        _drain(key, locked, decision)
    return decision


_QUEUED = Refusal(Code.ORDER_KEY_PARKED, "an earlier event of this order key is parked", "order_key")


def _decide_arrival(case: Case, locked: Locked, satisfied: dict[SubjectKey, None]) -> Ruling:
    """An arrival on a parked order key queues, save the first that heals its head: once a queue is about to
    drain, what comes later stands behind it, as it would in a batch of its own."""
    if case.refusal is not None and case.refusal.final:
        return Ruling(case, Outcome.REJECTED, case.refusal)
    queue = locked.queues.get(case.subject_key)
    if not queue:
        return _decide(case, locked)
    if case.subject_key in satisfied or not _heals(case, queue[0]):
        return Ruling(case, Outcome.PARKED, first_of(case.refusal, _QUEUED))
    ruling = _decide(case, locked)
    if ruling.outcome in (Outcome.POSTED, Outcome.RECORDED):
        satisfied[case.subject_key] = None
    return ruling


def _heals(case: Case, head: Case) -> bool:
    return case.fact is not None and subjects.heals(case.fact, head.waits_for)


def _park(ruling: Ruling, locked: Locked) -> None:
    assert ruling.refusal is not None
    ruling.case.waits_for = ruling.refusal.waits_for
    locked.queues.setdefault(ruling.case.subject_key, deque()).append(ruling.case)
    locked.subjects.setdefault(ruling.case.subject_key, Subject()).parked += 1


def _drain(key: SubjectKey, locked: Locked, decision: Decision) -> None:
    """Oldest first, until one must go on waiting: what is behind it stays in order, save what it waits for."""
    queue = locked.queues.get(key, deque())
    while queue:
        if _leave_queue(queue[0], queue, locked, decision):
            continue
        healers = [case for case in queue if _heals(case, queue[0])]
        if not any(_leave_queue(case, queue, locked, decision) for case in healers):
            return


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
        for arrival in decision.arrivals:
            if arrival.case is case:  # parked by this very batch: it says why it waits now, as in a batch of its own
                arrival.refusal = ruling.refusal
        return False
    locked.next_reference[key[0]] += 1
    del queue[next(place for place, parked in enumerate(queue) if parked is case)]
    locked.subjects[key].parked -= 1
    decision.healed.append(ruling)
    return True


def _decide(case: Case, locked: Locked) -> Ruling:
    """One case by all rules in the order of `Code`; an accepted one changes its subject and heads."""
    refusal = case.refusal
    subject = locked.subjects.get(case.subject_key)
    if isinstance(case.fact, subjects.LIFE_CYCLE):
        subject = subject if subject is not None else locked.subjects.setdefault(case.subject_key, Subject())
        refusal = first_of(refusal, subjects.refuse(case.fact, subject, case.asset_id))
    if refusal is not None:
        return Ruling(case, refusal.outcome, refusal)

    draft, movements = case.draft, case.movements
    if isinstance(case.fact, PaymentVoided) and subject is not None and subject.captures:
        movements = _mirror_of_captures(subject.captures, locked)
        draft = Draft("void", "payment_voided/1", [movement.line for movement in movements])
    refusal = _refuse_voucher(movements, case, locked)
    if refusal is None and case.fact is not None and subject is not None and subjects.overflows(case.fact, subject):
        refusal = Refusal(Code.OVERFLOW, "the payment's sum would pass 2^63 - 1")
    if refusal is not None:
        return Ruling(case, refusal.outcome, refusal)

    # nothing can fail after this line
    if case.fact is not None and subject is not None:
        subjects.advance(case.fact, subject, case.asset_id, case.reference)
    if not movements:
        return Ruling(case, Outcome.RECORDED)
    for movement in movements:
        _apply(movement, locked.heads[movement.head])
    locked.captures[case.reference] = movements
    return Ruling(case, Outcome.POSTED, None, draft, movements, _late(case, locked))


def _late(case: Case, locked: Locked) -> Late | None:
    return redirect(case.effective_at_us, locked.closed_through_us.get(case.subject_key[0], NEVER_US))


def _mirror_of_captures(references: list[int], locked: Locked) -> list[Movement]:
    originals = [movement for reference in references for movement in locked.captures[reference]]
    lines = mirror([movement.line for movement in originals])
    return [movement._replace(line=line) for movement, line in zip(originals, lines, strict=True)]


def _refuse_voucher(movements: Sequence[Movement], case: Case, locked: Locked) -> Refusal | None:
    """Status, currency, period and overflow of every account the voucher touches, before any changes."""
    debits: dict[HeadKey, int] = {}
    credits: dict[HeadKey, int] = {}
    worst: Refusal | None = None
    for key, asset_id, _, line in movements:
        head = locked.heads[key]
        refusal = _refuse_line(head, asset_id, line)
        if refusal is not None:
            worst = first_of(worst, refusal)
        totals = debits if line.side == "D" else credits
        totals[key] = totals.get(key, 0) + line.amount_minor
    if worst is not None:
        return worst
    if movements and case.subject_key[0] not in locked.redirecting and _late(case, locked):
        return Refusal(Code.PERIOD_CLOSED, "the period of this effective time is closed", "period")
    for key, amount in debits.items():
        if locked.heads[key].debits_minor + amount > MAX_COUNTER_MINOR:
            return Refusal(Code.OVERFLOW, "the account's debits would pass 2^63 - 1")
    for key, amount in credits.items():
        if locked.heads[key].credits_minor + amount > MAX_COUNTER_MINOR:
            return Refusal(Code.OVERFLOW, "the account's credits would pass 2^63 - 1")
    return None


def _refuse_line(head: Head, asset_id: int, line: Line) -> Refusal | None:
    if head.asset_id != asset_id:
        return Refusal(Code.ACCOUNT_CURRENCY_MISMATCH, f"{line.account} is not kept in {line.currency}")
    if head.status == CLOSED:
        return Refusal(Code.ACCOUNT_CLOSED, f"{line.account} is closed")
    if head.status == FROZEN:
        return Refusal(Code.ACCOUNT_FROZEN, f"{line.account} is frozen", f"account:{line.account}")
    return None


def _apply(movement: Movement, head: Head) -> None:
    head.posting_sequence += 1
    if movement.line.side == "D":
        head.debits_minor += movement.line.amount_minor
    else:
        head.credits_minor += movement.line.amount_minor


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
