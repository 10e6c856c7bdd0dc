"""Limits of accounts: what a minimum, a maximum and each policy answer, one by one and over columns."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_core.domain.limit_columns import NO_MAXIMUM, NO_MINIMUM, LimitColumns, RunningColumns, reaches_limit
from ledger_core.domain.limits import (
    ALLOW,
    DENY,
    WARN,
    Counters,
    Limits,
    Policy,
    Standing,
    falls_below,
    refuse,
    rises_above,
    standing,
)
from ledger_core.domain.money import MAX_COUNTER_MINOR
from ledger_core.domain.vouchers import Side

DENIED = Limits(0, 100, DENY)
WARNED = Limits(0, 100, WARN)


@pytest.mark.parametrize(
    ("side", "counters", "stands"),
    [
        ("D", Counters(70, 20), Standing(50, 50)),
        ("D", Counters(70, 20, 5, 30), Standing(50, 20)),
        ("C", Counters(20, 70), Standing(50, 50)),
        ("C", Counters(20, 70, 5, 30), Standing(50, 45)),
        ("C", Counters(MAX_COUNTER_MINOR, 0, MAX_COUNTER_MINOR), Standing(-MAX_COUNTER_MINOR, -2 * MAX_COUNTER_MINOR)),
    ],
)
def test_only_what_leaves_the_account_lowers_what_is_available(
    side: Side, counters: Counters, stands: Standing
) -> None:
    assert standing(side, counters) == stands


# Rows of the table: limits, posted before and after, held, the answer.
TABLE = [
    (DENIED, 10, 0, 0, ""),
    (DENIED, 10, -1, 0, "LIMIT_MINIMUM"),
    (DENIED, 10, 4, 5, "LIMIT_MINIMUM"),
    (DENIED, 10, 5, 5, ""),
    (DENIED, -50, -40, 0, ""),
    (DENIED, -50, -50, 0, ""),
    (DENIED, -50, -51, 0, "LIMIT_MINIMUM"),
    (DENIED, 90, 100, 0, ""),
    (DENIED, 90, 101, 0, "LIMIT_MAXIMUM"),
    (DENIED, 90, 101, 50, "LIMIT_MAXIMUM"),
    (DENIED, 150, 140, 0, ""),
    (DENIED, 150, 151, 0, "LIMIT_MAXIMUM"),
    (Limits(-500, None, DENY), 0, -500, 0, ""),
    (Limits(-500, None, DENY), 0, -501, 0, "LIMIT_MINIMUM"),
    (Limits(None, None, DENY), 0, -501, 0, ""),
    (Limits(0, 100, ALLOW), 10, -1, 0, ""),
    (WARNED, 10, -1, 0, "falls"),
    (WARNED, 10, 4, 5, "falls"),
    (WARNED, -1, -2, 0, ""),
    (WARNED, -2, -1, 0, ""),
    (WARNED, 90, 101, 0, "rises"),
    (WARNED, 101, 102, 0, ""),
]


@pytest.mark.parametrize(("limits", "before", "after", "held", "answer"), TABLE)
def test_a_limit_minds_what_moves_the_balance_beyond_it(
    limits: Limits, before: int, after: int, held: int, answer: str
) -> None:
    stood, stands = Standing(before, before - held), Standing(after, after - held)
    refusal = refuse("wallet:1", limits, stood, stands)
    said = refusal.code.value if refusal else ""
    said += "falls" if falls_below(limits, stood, stands) else ""
    said += "rises" if rises_above(limits, stood, stands) else ""
    assert said == answer


def test_a_refusal_names_account_balance_and_limit() -> None:
    refusal = refuse("wallet:1", Limits(-5, 7, DENY), Standing(0, 0), Standing(-6, -6))
    assert refusal is not None
    assert refusal.detail == "wallet:1 would have -6 available, its minimum is -5"
    refusal = refuse("wallet:1", Limits(-5, 7, DENY), Standing(0, 0), Standing(8, 8))
    assert refusal is not None
    assert refusal.detail == "wallet:1 would hold 8, its maximum is 7"


small = st.integers(-6, 6)


@given(
    normal=st.sampled_from(["D", "C"]),
    policy=st.sampled_from([ALLOW, WARN, DENY]),
    bounds=st.tuples(st.none() | small, st.none() | small).filter(
        lambda b: b[0] is None or b[1] is None or b[0] <= b[1]
    ),
    held=st.integers(0, 3),
    start=small,
    moves=st.lists(small.filter(bool), max_size=8),
)
def test_columns_see_a_limit_exactly_when_one_by_one_sees_it(
    normal: Side, policy: Policy, bounds: tuple[int | None, int | None], held: int, start: int, moves: list[int]
) -> None:
    limits = Limits(*bounds, policy)
    balances = [start]
    for move in moves:  # by side: debits above zero
        balances.append(balances[-1] + move)
    sign = 1 if normal == "D" else -1
    stands = [Standing(sign * balance, sign * balance - held) for balance in balances]
    expected = any(
        refuse("a", limits, before, after) or falls_below(limits, before, after) or rises_above(limits, before, after)
        for before, after in pairwise(stands)
    )
    columns = LimitColumns(
        np.array([NO_MINIMUM, NO_MINIMUM if bounds[0] is None else bounds[0]]),
        np.array([NO_MAXIMUM, NO_MAXIMUM if bounds[1] is None else bounds[1]]),
        np.array([False, policy == DENY]),
        np.array([False, policy == WARN]),
        np.array([1, sign]),
        np.array([0, held]),
    )
    head = np.array([0] + [1] * len(moves))
    entries = RunningColumns(head, np.array([-99, *moves]), np.array([-99, *balances[1:]]))
    assert reaches_limit(columns, entries) == expected


def test_sums_that_could_wrap_are_left_to_exact_integers() -> None:
    columns = LimitColumns(
        np.array([0]), np.array([NO_MAXIMUM]), np.array([True]), np.array([False]), np.array([-1]),
        np.array([MAX_COUNTER_MINOR]),
    )  # fmt: skip
    entries = RunningColumns(np.array([0]), np.array([-1]), np.array([-MAX_COUNTER_MINOR]))
    assert reaches_limit(columns, entries)
