"""The account aggregate: what it stores, and that every version ever stored still folds."""

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson
import pytest
from eventsourcing.domain import Aggregate
from eventsourcing.utils import register_topic

from ledger_core.domain.account_facts import AccountFrozen
from ledger_core.domain.limits import Limits
from ledger_core.operations.account import Account
from ledger_core.operations.application import TOPICS, register_topics
from ledger_core.store.account_events import (
    account_originator_id,
    asked_by,
    changed_state,
    opened_event,
    opened_state,
)
from ledger_core.store.mapper import LedgerMapper, LoggedEvent

RECORDED_AT = datetime(2026, 11, 21, 8, 46, 53, 7, tzinfo=UTC)
GOLDEN: dict[str, bytes] = {
    "account.opened": b'{"code":"wallet:seller:42","type":"liability","currency":"BRL","role":"","keyed":false}',
    "account.frozen": b'{"code":"wallet:seller:42","reason":"court order 7"}',
    "account.unfrozen": b'{"code":"wallet:seller:42","reason":"lifted"}',
    "account.limits_set": b'{"code":"wallet:seller:42","reason":"credit line",'
    b'"limits":{"minimum_minor":"-500","maximum_minor":"900","policy":"deny"}}',
    "account.closed": b'{"code":"wallet:seller:42","reason":"moved away"}',
}
"""Version 1 of every event of an account, as published. Never edited: new versions are added beside them."""

ASKED_FOR: dict[str, bytes] = {topic: state[:-1] + b',"requested_by":"ana"}' for topic, state in GOLDEN.items()}
"""The same, of events that name who asked for them."""


@pytest.fixture(autouse=True)
def _topics() -> None:
    register_topics()


def logged(topic: str, state: bytes, version: int) -> LoggedEvent:
    account_id = account_originator_id("shop", "wallet:seller:42")
    return LoggedEvent(account_id, version, topic, state, version, RECORDED_AT)


def fold(*events: LoggedEvent) -> Any:
    aggregate = None
    for event in events:
        aggregate = LedgerMapper().to_domain_event(event).mutate(aggregate)  # type: ignore[attr-defined]
    return aggregate


def test_one_by_one_and_in_bulk_store_the_same_bytes() -> None:
    account = Account.open("shop", "wallet:seller:42", account_type="liability", currency="BRL", keyed=True)
    stored = LedgerMapper().to_stored_event(account.pending_events[0])
    bulk = opened_event("shop", "wallet:seller:42", "liability", "BRL", "", True)
    assert (stored.topic, stored.state) == (bulk.type, bulk.state)
    assert (stored.originator_id, stored.originator_version) == (bulk.originator_id, bulk.originator_version)


def test_account_ids_never_change() -> None:
    expected = UUID("2220adb5-b475-50ce-912d-dfb1823e8370")
    assert account_originator_id("shop", "wallet:seller:42") == expected
    assert account_originator_id("shop2", "wallet:seller:42") != expected


def test_golden_events_of_version_1_still_fold() -> None:
    opened = fold(logged("account.opened", GOLDEN["account.opened"], 1))
    assert (opened.code, opened.type, opened.currency, opened.keyed) == (
        "wallet:seller:42",
        "liability",
        "BRL",
        False,
    )
    frozen = fold(*(logged(topic, GOLDEN[topic], n) for n, topic in enumerate(list(GOLDEN)[:2], start=1)))
    assert frozen.frozen_because == "court order 7"
    last = fold(*(logged(topic, state, n) for n, (topic, state) in enumerate(GOLDEN.items(), start=1)))
    assert (last.frozen_because, last.version, last.modified_on) == (None, 5, RECORDED_AT)
    assert (last.limits, last.closed_because) == (Limits(-500, 900, "D"), "moved away")


def test_who_asked_for_it_is_the_last_that_an_event_says_of_itself() -> None:
    mapper = LedgerMapper()
    for version, (topic, state) in enumerate(ASKED_FOR.items(), start=1):
        assert mapper.to_stored_event(mapper.to_domain_event(logged(topic, state, version))).state == state
    account = Account.open("shop", "wallet:seller:42", account_type="liability", currency="BRL", requested_by="ana")
    account.freeze("court order 7", "ana")
    account.unfreeze("lifted", "ana")
    account.set_limits(Limits(-500, 900, "D"), "credit line", "ana")
    account.close("moved away", "ana")
    assert {event.topic: event.state for event in map(mapper.to_stored_event, account.collect_events())} == ASKED_FOR
    asked = AccountFrozen("wallet:seller:42", "court order 7", "ana")
    assert changed_state(asked, {}) == ASKED_FOR["account.frozen"]
    said = asked_by("ana")
    assert opened_state("wallet:seller:42", "liability", "BRL", "", False, cause=said) == ASKED_FOR["account.opened"]


def test_every_event_of_an_account_has_a_golden_version_1() -> None:
    assert {topic for topic in TOPICS if topic.startswith("account.")} == set(GOLDEN)


def test_encoding_what_was_decoded_gives_the_golden_bytes() -> None:
    mapper = LedgerMapper()
    for version, (topic, state) in enumerate(GOLDEN.items(), start=1):
        assert mapper.to_stored_event(mapper.to_domain_event(logged(topic, state, version))).state == state
    assert opened_state("wallet:seller:42", "liability", "BRL", "", False) == GOLDEN["account.opened"]


class AccountOfTomorrow(Aggregate):
    """A later release, in which an opening says what the account may be used for."""

    class Event(Aggregate.Event):
        pass

    class Opened(Event, Aggregate.Created):
        TOPIC = "account.opened.of.tomorrow"
        class_version = 2
        aggregate_topic: ClassVar[str] = "account.of.tomorrow"
        code: str
        type: str
        currency: str
        role: str
        keyed: bool
        use: str

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            state["use"] = "unrestricted"

    def __init__(self, code: str, use: str) -> None:
        self.code = code
        self.use = use


def test_an_event_of_version_1_is_folded_by_a_class_of_version_2() -> None:
    register_topic(AccountOfTomorrow.Opened.aggregate_topic, AccountOfTomorrow)
    register_topic(AccountOfTomorrow.Opened.TOPIC, AccountOfTomorrow.Opened)
    old = logged(AccountOfTomorrow.Opened.TOPIC, GOLDEN["account.opened"], 1)
    account = fold(old)
    assert (account.code, account.use) == ("wallet:seller:42", "unrestricted")

    # Written again it says its version, and is not upcast a second time.
    mapper = LedgerMapper()
    new_state = orjson.loads(mapper.to_stored_event(mapper.to_domain_event(old)).state)
    assert (new_state["class_version"], new_state["use"]) == (2, "unrestricted")
    new_state["use"] = "payouts"
    new = logged(AccountOfTomorrow.Opened.TOPIC, orjson.dumps(new_state), 1)
    assert fold(new).use == "payouts"


def test_no_event_takes_its_time_from_a_clock() -> None:
    account = Account.open("shop", "a", account_type="asset", currency="BRL")
    account.freeze("why")
    stored = [LedgerMapper().to_stored_event(event).state for event in account.collect_events()]
    assert all(b"timestamp" not in state and b"originator" not in state for state in stored)
