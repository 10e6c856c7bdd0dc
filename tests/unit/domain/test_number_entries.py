"""Deciding over columns and one by one give the same answer, up to the last bit of a counter."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger_core.domain.cases import Case, Head, Locked, Movement
from ledger_core.domain.decide import HeadColumns, decide_batch, number_entries, sums_fit
from ledger_core.domain.money import MAX_AMOUNT_MINOR, MAX_COUNTER_MINOR
from ledger_core.domain.outcomes import Outcome
from ledger_core.domain.payments import PayoutPaid
from ledger_core.domain.vouchers import Draft, Line
from tests.support.cases import BOOK, EUR

Start = tuple[int, int, int]
"""A head before the batch: posting_sequence, debits, credits."""
Row = tuple[int, int, bool]
"""An entry: account, amount, is it a debit."""

counters = st.one_of(st.integers(0, 10**6), st.integers(0, MAX_COUNTER_MINOR))
amounts = st.one_of(st.integers(1, 1_000), st.integers(1, MAX_AMOUNT_MINOR))
heads = st.lists(st.tuples(st.integers(0, 10**9), counters, counters), min_size=1, max_size=6)


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Start], list[Row]]:
    """Every head has an entry at least, as in a batch."""
    starts = draw(heads)
    touched = [*range(len(starts)), *draw(st.lists(st.integers(0, len(starts) - 1), max_size=20))]
    rows = [(account, draw(amounts), draw(st.booleans())) for account in draw(st.permutations(touched))]
    return starts, rows


def columns(starts: list[Start]) -> HeadColumns:
    return HeadColumns(*(np.array(column, dtype=np.int64) for column in zip(*starts, strict=True)))


def fits_exactly(starts: list[Start], rows: list[Row]) -> bool:
    """In unbounded integers: no counter passes 63 bits."""
    debits, credits = [s[1] for s in starts], [s[2] for s in starts]
    for account, amount, is_debit in rows:
        (debits if is_debit else credits)[account] += amount
    return max(debits + credits) <= MAX_COUNTER_MINOR


def folded(starts: list[Start], rows: list[Row]) -> tuple[list[list[int]], list[tuple[int, int]]]:
    """Heads after the rows; per row its posting_sequence and running balance."""
    after = [list(start) for start in starts]
    numbers = []
    for account, amount, is_debit in rows:
        head = after[account]
        head[0] += 1
        head[1 if is_debit else 2] += amount
        numbers.append((head[0], head[1] - head[2]))
    return after, numbers


@settings(max_examples=300)
@given(batches())
@example(([(0, 0, 0)] * 6, [(n % 6, MAX_AMOUNT_MINOR, True) for n in range(48)]))
def test_columns_number_entries_as_a_fold_does(batch: tuple[list[Start], list[Row]]) -> None:
    """Also where sums over all accounts pass 63 bits and wrap, as long as no account's own do."""
    starts, rows = batch
    if not fits_exactly(starts, rows):
        return
    accounts, values, sides = zip(*rows, strict=True)
    numbered = number_entries(
        columns(starts),
        np.array(accounts, dtype=np.int64),
        np.array(values, dtype=np.int64),
        np.array(sides, dtype=np.bool_),
    )
    after, numbers = folded(starts, rows)
    assert np.stack(numbered.heads, axis=1).tolist() == after
    in_input_order = dict(
        zip(
            numbered.order.tolist(),
            zip(numbered.posting_sequence.tolist(), numbered.running_minor.tolist(), strict=True),
            strict=True,
        )
    )
    assert [in_input_order[place] for place in range(len(rows))] == numbers


@settings(max_examples=300)
@given(batches())
@example(([(0, MAX_COUNTER_MINOR - 5, 0)], [(0, 5, True)]))
@example(([(0, MAX_COUNTER_MINOR - 5, 0)], [(0, 6, True)]))
@example(([(0, 0, 0)], [(0, MAX_AMOUNT_MINOR, True)] * 10))
def test_a_batch_that_could_overflow_is_never_decided_over_columns(batch: tuple[list[Start], list[Row]]) -> None:
    starts, rows = batch
    if sums_fit(columns(starts), np.array([amount for _, amount, _ in rows], dtype=np.int64)):
        assert fits_exactly(starts, rows)


@settings(max_examples=200)
@given(batches())
def test_what_fits_over_columns_is_accepted_one_by_one_with_the_same_heads(
    batch: tuple[list[Start], list[Row]],
) -> None:
    starts, rows = batch
    if not sums_fit(columns(starts), np.array([amount for _, amount, _ in rows], dtype=np.int64)):
        return
    cases = [_case(place, row) for place, row in enumerate(rows)]
    locked = Locked(heads={_key(n): Head(*start, EUR) for n, start in enumerate(starts)}, subjects={})
    decision = decide_batch(cases, locked)
    assert {ruling.outcome for ruling in decision.arrivals} == {Outcome.POSTED}
    after = [[h.posting_sequence, h.debits_minor, h.credits_minor] for h in locked.heads.values()]
    assert after == folded(starts, rows)[0]


def _key(account: int) -> int:
    return BOOK << 32 | account + 1


def _case(place: int, row: Row) -> Case:
    account, amount, is_debit = row
    line = Line(f"account-{account}", "D" if is_debit else "C", amount, "EUR", 1)
    movement = Movement(_key(account), EUR, False, line)
    fact = PayoutPaid(f"p-{place}", line.account, amount, "EUR")
    return Case((BOOK, f"k-{place}"), fact, EUR, Draft("kind", "rule/1", [line]), [movement], None, 0, place)
