"""What became of an account besides its entries: by commands and by events, as known at a position."""

from collections.abc import Iterator

import pytest
from psycopg_pool import ConnectionPool

from ledger_core.domain.limits import DENY, Limits
from projections.queries.account_changes import MOST_CHANGES, AccountChange, account_changes
from projections.queries.accounts import account
from projections.queries.amounts import Amount, Balance, Side
from projections.queries.explanations import explain
from projections.queries.origins import LogRecord
from projections.queries.snapshot import Snapshot, snapshot
from tests.support.account_events import closed, frozen, opened, unfrozen
from tests.support.databases import TestDatabase
from tests.support.postings import BOOK, TOPIC, Scene, captured
from tests.support.shop import reading_pool

pytestmark = pytest.mark.postgres

SELLER, OTHER = "wallet:seller:1", "wallet:seller:2"


@pytest.fixture
def pool(database: TestDatabase) -> Iterator[ConnectionPool]:
    with reading_pool(database) as opened:
        yield opened


def changes(at: Snapshot, code: str = SELLER) -> list[AccountChange]:
    return account_changes(at, account(at, code))


def test_each_change_says_why_who_and_which_event(scene: Scene, pool: ConnectionPool) -> None:
    scene.post(captured("o-1"), captured("o-2", to=OTHER), frozen(SELLER, requested_by="ben"), unfrozen(SELLER))
    scene.accounts().set_limits(SELLER, Limits(-500, None, DENY), reason="an overdraft", requested_by=" ana ")
    before = scene.position()
    scene.post(closed(SELLER, to=OTHER, requested_by="eva"))
    with snapshot(pool, BOOK) as at:
        last, limited, thawed, froze, opening = changes(at)
        assert [one.number for one in (opening, froze, thawed, limited, last)] == [1, 2, 3, 4, 5]
        assert (opening.change, opening.persons, opening.origin) == ("opened", {}, None)
        assert (froze.change, froze.reason, froze.persons) == ("frozen", "a test", {"requested_by": "ben"})
        assert froze.origin is not None
        assert (froze.origin.event_id, froze.origin.record) == (f"frozen-{SELLER}", LogRecord(TOPIC, 0, 2))
        assert (thawed.change, thawed.persons) == ("unfrozen", {})
        assert (limited.change, limited.reason, limited.persons) == (
            "limits_set", "an overdraft", {"requested_by": "ana"},
        )  # fmt: skip
        assert limited.limits is not None
        assert (limited.limits.minimum, limited.limits.policy) == (Balance(Amount(500, "EUR", 2), Side.DEBIT), "deny")
        assert (last.change, last.persons, last.position) == ("closed", {"requested_by": "eva"}, at.position)
        assert last.origin is not None
        assert last.origin.event_id == f"closed-{SELLER}"
        assert explain(at, SELLER).changes == changes(at)
        assert explain(at, SELLER, as_of_position=before).changes == [limited, thawed, froze, opening]
        assert explain(at, SELLER, after=2).changes == []


def test_an_account_opened_by_an_event_says_who_asked(scene: Scene, pool: ConnectionPool) -> None:
    scene.post(opened("vault:1", requested_by="ana", limits={"maximum_minor": "9", "policy": "warn"}))
    with snapshot(pool, BOOK) as at:
        (opening,) = changes(at, "vault:1")
    assert (opening.change, opening.persons) == ("opened", {"requested_by": "ana"})
    assert opening.limits is not None
    assert opening.limits.policy == "warn"


def test_only_the_newest_changes_are_answered(scene: Scene, pool: ConnectionPool) -> None:
    scene.post(opened(SELLER))
    batch = [make(SELLER, event_id=f"{n}-{make.__name__}") for n in range(60) for make in (frozen, unfrozen)]
    scene.post(*batch)
    with snapshot(pool, BOOK) as at:
        assert [one.number for one in changes(at)] == list(range(121, 121 - MOST_CHANGES, -1))
