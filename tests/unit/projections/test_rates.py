"""The fold of exchange rates: the latest by its own time, however the events are cut."""

import pytest

from projections.events import EventState, LedgerEvent
from projections.rates.fold import Pair, RateRows, fold_rates


def told(position: int, rate: str, at: str, *, effective_at: str = "2026-03-01T12:00:00.000000Z") -> LedgerEvent:
    notice = {"kind": "fx_rate", "base": "EUR", "counter": "BRL", "rate": rate, "provider": "ecb", "source": "s",
              "published_at": at}  # fmt: skip
    return LedgerEvent(1, position, "fact.recorded", "EUR/BRL", EventState(effective_at=effective_at, notice=notice))


EVENTS = [
    told(1, "6.2", "2026-02-02T00:00:00.000000Z"), told(2, "6.1", "2026-02-01T00:00:00.000000Z"),
    told(3, "6.3", "2026-02-02T00:00:00.000000Z", effective_at="2026-03-02T00:00:00.000000Z"),
]  # fmt: skip


@pytest.mark.parametrize("events", [EVENTS, EVENTS[:1]], ids=["late ones after it", "alone"])
def test_the_first_that_was_told_of_the_latest_stands(events: list[LedgerEvent]) -> None:
    rows = RateRows()
    fold_rates(events, rows)
    rate = rows.changes[Pair(1, "EUR", "BRL")]
    assert (rate.rate, rate.position, rate.publications) == ("6.2", 1, len(events))


def test_the_books_own_time_is_that_of_what_was_accepted() -> None:
    rows = RateRows()
    refused = LedgerEvent(1, 4, "event.rejected", "o", EventState(effective_at="2030-01-01T00:00:00.000000Z"))
    fold_rates([*EVENTS, refused], rows)
    assert rows.newest == {1: "2026-03-02T00:00:00.000000Z"}


def test_other_notices_are_no_rates() -> None:
    state = EventState(effective_at="2026-03-01T12:00:00.000000Z", notice={"kind": "settlement_profile", "key": "a"})
    rows = RateRows()
    fold_rates([LedgerEvent(1, 1, "fact.recorded", "a", state)], rows)
    assert rows.changes == {}
