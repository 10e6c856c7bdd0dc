"""The closing of a period as an aggregate: what it stores, and that every version ever stored still folds."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from ledger_core.operations.application import TOPICS, register_topics
from ledger_core.operations.period import Closing, closing_id
from ledger_core.store.mapper import LedgerMapper, LoggedEvent

RECORDED_AT = datetime(2026, 2, 3, 8, tzinfo=UTC)
JANUARY = date(2026, 1, 31)
GOLDEN: dict[str, bytes] = {
    "period.closing": (
        b'{"through":"2026-01-31","after":"2025-12-31","closing":1,"reason":"month end","requested_by":"ana"}'
    ),
    "period.closed": (
        b'{"through":"2026-01-31","reason":"month end","requested_by":"ana","known_at_position":7,"accounts":2,'
        b'"totals":[["EUR","700"]],"trial_balance":"ab12"}'
    ),
    "period.reopened": (
        b'{"through":"2026-01-31","after":"2025-12-31","reason":"invoice 9","requested_by":"ana","approved_by":"ben"}'
    ),
}
"""Version 1 of every event of a closing, as published. Never edited: new versions are added beside them."""


@pytest.fixture(autouse=True)
def _topics() -> None:
    register_topics()


def begun() -> Closing:
    return Closing.begin("shop", JANUARY, date(2025, 12, 31), closing=1, reason="month end", requested_by="ana")


def test_a_closing_stores_the_golden_bytes() -> None:
    closing = begun()
    closing.seal(known_at_position=7, accounts=2, totals=[["EUR", "700"]], trial_balance="ab12")
    closing.reopen(reason="invoice 9", requested_by="ana", approved_by="ben")
    stored = [LedgerMapper().to_stored_event(event) for event in closing.collect_events()]
    assert {event.topic: event.state for event in stored} == GOLDEN
    assert [event.originator_version for event in stored] == [1, 2, 3]


def test_golden_events_of_version_1_still_fold() -> None:
    identity = closing_id("shop", JANUARY, 1)
    folded: Any = None
    for version, (topic, state) in enumerate(GOLDEN.items(), start=1):
        event = LoggedEvent(identity, version, topic, state, version, RECORDED_AT)
        folded = LedgerMapper().to_domain_event(event).mutate(folded)  # type: ignore[attr-defined]
    assert (folded.through, folded.after, folded.closing) == ("2026-01-31", "2025-12-31", 1)
    assert (folded.trial_balance, folded.reopened) == ("ab12", True)


def test_every_event_of_a_closing_has_a_golden_version_1() -> None:
    assert {topic for topic in TOPICS if topic.startswith("period.")} == set(GOLDEN)


def test_sealing_twice_changes_nothing() -> None:
    closing = begun()
    for digest in ("ab12", "cd34"):
        closing.seal(known_at_position=7, accounts=2, totals=[], trial_balance=digest)
    assert closing.trial_balance == "ab12"
    assert closing.version == 2


def test_ids_of_closings_never_change_and_each_has_its_own() -> None:
    assert closing_id("shop", JANUARY, 1) == UUID("805d8177-4cbb-57c5-b4e6-8490718b4f6c")
    others = [closing_id("shop", JANUARY, 2), closing_id("shop2", JANUARY, 1), closing_id("shop", date(2026, 2, 28), 1)]
    assert len({closing_id("shop", JANUARY, 1), *others}) == 4
