"""The list of invariants, and the one function that runs them all."""

from collections.abc import Iterable, Sequence

import psycopg

from ledger_core.store.verify import verify
from tests.invariants import delivery, log, money, periods, reading
from tests.invariants.invariant import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    money.I1_BALANCED,
    money.I1_VOUCHERS_HAVE_ENTRIES,
    money.I2_SEQUENCES,
    money.I2_HEADS,
    money.I2_HELD,
    money.I3_ONE_OUTCOME,
    money.I3_GROUPS,
    delivery.I4_POSITIONS,
    delivery.I5_RELAY,
    reading.I6_CHECKPOINTS,
    reading.I6_DAILY_BALANCES,
    reading.I6_TRIAL_BALANCE,
    reading.I6_DAY_ROLLUPS,
    reading.I6_PAYMENTS,
    reading.I6_STATES,
    money.I7_REVERSALS,
    money.I8_FROZEN,
    money.I9_BOOKS,
    log.I10_NO_RIGHT,
    log.I10_GAPLESS,
    money.I11_TRIAL_BALANCE,
    money.I12_INTEGERS,
    log.I16_TIME,
    delivery.I17_PARKED,
    delivery.I18_REDRIVE,
    delivery.I19_COUNTS,
    periods.I20_CLOSED_PERIODS,
    reading.I21_FINDINGS,
    log.I22_DETECT_ONLY,
)
"""Those whose tables exist. I13, I14, I15, I26 and I30 to I32 are scenarios, I27 golden files."""

SHOWN = 5


def violations(dsn: str, invariants: Sequence[Invariant] = INVARIANTS) -> dict[str, list[str]]:
    """Violators by invariant, all seen in one snapshot; `dsn` must be allowed to read everything."""
    found: dict[str, list[str]] = {}
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        for invariant in invariants:
            rows = connection.execute(invariant.violators).fetchmany(SHOWN)
            if rows:
                found[f"{invariant.name}: {invariant.sentence}"] = [row[0] for row in rows]
    return found


def assert_invariants(dsn: str) -> None:
    """Everything that must hold, holds: each program finds nothing, and `verify` agrees. As a superuser."""
    found = violations(dsn)
    found |= {f"verify {check.name}": [check.first_bad] for check in verify(dsn).checks if not check.ok}
    assert not found, "\n".join(f"{what}\n    {', '.join(names)}" for what, names in found.items())


def published_out_of_order(positions: Iterable[tuple[str, int]]) -> list[str]:
    """I5, as a fold over what a topic holds, in its order: (book, position). First appearances are 1 … n per book."""
    reached: dict[str, int] = {}
    bad = []
    for book, position in positions:
        if position == reached.get(book, 0) + 1:
            reached[book] = position
        elif position > reached.get(book, 0):
            bad.append(f"{book}/{position} appears after {book}/{reached.get(book, 0)}")
    return bad
