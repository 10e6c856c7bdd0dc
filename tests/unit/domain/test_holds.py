"""The life of a hold: what each event does to it in each status, and why it may not happen."""

import pytest

from ledger_core.domain import holds
from ledger_core.domain.holds import (
    Hold,
    HoldCaptured,
    HoldFact,
    HoldPlaced,
    HoldReleased,
    HoldStatus,
    HoldTerms,
    Taker,
)
from ledger_core.domain.outcomes import Code, Outcome

TERMS = HoldTerms("wallet:buyer:1", "D", "EUR")
PLACED, PART, CAPTURED, RELEASED, EXPIRED = HoldStatus


def hold(status: HoldStatus = PLACED, captured: int = 0, given_back: int = 0, *, bps: int = 0, of: int = 100) -> Hold:
    return Hold(1, 978, TERMS, of, bps, None, captured, given_back, status)


def place() -> HoldPlaced:
    return HoldPlaced("h", "wallet:buyer:1", 100, "EUR")


def capture(amount: int, *, final: bool = False) -> HoldCaptured:
    return HoldCaptured("h", (Taker("wallet:seller:1", amount),), final)


def release() -> HoldReleased:
    return HoldReleased("h")


# What was there before, the event, the code or the status afterwards with what is captured, given back and still held.
TABLE: list[tuple[Hold | None, HoldFact, Code | tuple[HoldStatus, int, int, int]]] = [
    (None, capture(1), Code.HOLD_UNKNOWN),
    (None, release(), Code.HOLD_UNKNOWN),
    (hold(), place(), Code.HOLD_EXISTS),
    (hold(RELEASED, 0, 100), place(), Code.HOLD_EXISTS),
    (hold(), capture(1), (PART, 1, 0, 99)),
    (hold(), capture(99), (PART, 99, 0, 1)),
    (hold(), capture(100), (CAPTURED, 100, 0, 0)),
    (hold(), capture(101), Code.CAPTURE_EXCEEDS_HOLD),
    (hold(), capture(40, final=True), (CAPTURED, 40, 60, 0)),
    (hold(), capture(100, final=True), (CAPTURED, 100, 0, 0)),
    (hold(), release(), (RELEASED, 0, 100, 0)),
    (hold(PART, 60), capture(40), (CAPTURED, 100, 0, 0)),
    (hold(PART, 60), capture(39), (PART, 99, 0, 1)),
    (hold(PART, 60), capture(41), Code.CAPTURE_EXCEEDS_HOLD),
    (hold(PART, 60), capture(1, final=True), (CAPTURED, 61, 39, 0)),
    (hold(PART, 60), release(), (RELEASED, 60, 40, 0)),
    (hold(CAPTURED, 100), capture(1), Code.HOLD_CAPTURED),
    (hold(CAPTURED, 100), release(), Code.HOLD_CAPTURED),
    (hold(CAPTURED, 100, bps=1_000), capture(1), Code.HOLD_CAPTURED),
    (hold(RELEASED, 60, 40), capture(1), Code.HOLD_RELEASED),
    (hold(RELEASED, 60, 40), release(), Code.HOLD_RELEASED),
    (hold(EXPIRED, 0, 100), capture(1), Code.HOLD_EXPIRED),
    (hold(EXPIRED, 0, 100), release(), Code.HOLD_EXPIRED),
    (hold(bps=1_000), capture(110), (CAPTURED, 110, 0, 0)),
    (hold(bps=1_000), capture(111), Code.CAPTURE_EXCEEDS_HOLD),
    (hold(PART, 99, bps=1_000), capture(11), (CAPTURED, 110, 0, 0)),
    (hold(PART, 99, bps=1_000), capture(12), Code.CAPTURE_EXCEEDS_HOLD),
    (hold(bps=333, of=99), capture(102), (CAPTURED, 102, 0, 0)),  # 99 * 3.33 % is 3.2967, rounded down
    (hold(bps=333, of=99), capture(103), Code.CAPTURE_EXCEEDS_HOLD),
    (hold(bps=10_000), capture(200), (CAPTURED, 200, 0, 0)),
]


@pytest.mark.parametrize(("before", "fact", "answer"), TABLE)
def test_a_hold_answers_as_its_table_says(
    before: Hold | None, fact: HoldFact, answer: Code | tuple[HoldStatus, int, int, int]
) -> None:
    refusal = holds.refuse(fact, before)
    if isinstance(answer, Code):
        assert refusal is not None
        assert refusal.code is answer
        return
    assert refusal is None
    assert before is not None
    assert isinstance(fact, HoldCaptured | HoldReleased)
    holds.advance(fact, before)
    assert (before.status, before.captured_minor, before.released_minor, before.held_minor) == answer


def test_only_an_unknown_hold_may_be_right_later() -> None:
    refusals = [holds.refuse(fact, before) for before, fact, answer in TABLE if isinstance(answer, Code)]
    assert {(r.code, r.waits_for) for r in refusals if r and r.outcome is Outcome.PARKED} == {
        (Code.HOLD_UNKNOWN, "hold.placed")
    }


@pytest.mark.parametrize(("before", "given_back"), [(hold(), 100), (hold(PART, 60), 40)])
def test_expiry_gives_back_what_was_not_captured(before: Hold, given_back: int) -> None:
    assert holds.expire(before) == given_back
    assert (before.status, before.released_minor, before.held_minor) == (EXPIRED, given_back, 0)


def test_a_capture_says_how_much_it_gave_back() -> None:
    assert holds.advance(capture(40, final=True), hold()) == 60
    assert holds.advance(capture(40), hold()) == 0
    assert holds.advance(capture(110), hold(bps=1_000)) == 0


def test_moments_are_written_with_six_decimals() -> None:
    assert holds.rfc3339(1_790_848_800_000_001) == "2026-10-01T10:00:00.000001Z"
    assert holds.rfc3339(0) == "1970-01-01T00:00:00.000000Z"
