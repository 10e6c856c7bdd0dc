"""The periods of a book over HTTP: what each closing sealed, who reopened, and what is not there."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.api import client_of
from tests.support.closed_years import FIRST, SECOND, close_two_years, periods_of, reopen
from tests.support.databases import create_database, drop_database
from tests.support.posted_ledger import PostedLedger
from tests.support.shop import posting, reading_pool

PERIODS = "/v1/books/shop/periods"


@pytest.fixture(scope="module")
def closed(postgres_server: str) -> Iterator[tuple[PostedLedger, httpx.Client]]:
    """A shop with two closed years, beside a book that never closed one."""
    database = create_database(postgres_server)
    with posting(database) as ledger, reading_pool(database) as pool, client_of(pool) as client:
        ledger.create_book("other")
        close_two_years(ledger)
        yield ledger, client
    drop_database(database)


def test_periods_are_listed_with_the_trial_balance_that_their_closing_sealed(
    closed: tuple[PostedLedger, httpx.Client],
) -> None:
    ledger, client = closed
    answer = client.get(PERIODS)
    assert answer.status_code == 200
    listed = answer.json()
    assert answer.headers["Ledger-Position"] == str(listed["position"])
    assert [(each["through"], each["after"], each["status"]) for each in listed["periods"]] == [
        (str(FIRST), None, "closed"),
        (str(SECOND), str(FIRST), "closed"),
    ]
    for period, year in zip(listed["periods"], (FIRST, SECOND), strict=True):
        sealed = period["sealed"]
        # Sealed again over the same entries, a period has the same trial balance.
        assert sealed["trial_balance"] == periods_of(ledger.dsn).preview(year).trial_balance
        assert sealed["known_at_position"] < period["event_position"] <= listed["position"]
        assert [total["currency"] for total in sealed["totals"]] == ["BRL"]
    assert (listed["periods"][1]["closings"], listed["periods"][1]["reason"]) == (2, "year end, again")


def test_a_period_is_shown_by_its_last_day(closed: tuple[PostedLedger, httpx.Client]) -> None:
    _, client = closed
    listed = client.get(PERIODS).json()
    shown = client.get(f"{PERIODS}/{SECOND}").json()
    assert shown == {**listed["periods"][1], "book": "shop", "position": listed["position"]}


def test_a_reopened_period_has_no_seal_and_names_two_persons(shop: PostedLedger, client: httpx.Client) -> None:
    close_two_years(shop)
    reopen(periods_of(shop.dsn), SECOND)
    shown = client.get(f"{PERIODS}/{SECOND}").json()
    assert (shown["status"], shown["sealed"]) == ("open", None)
    assert (shown["requested_by"], shown["approved_by"]) == ("ana", "ben")


@pytest.mark.parametrize(
    "day", ["2018-12-31", "2020-12-31T00:00:00Z", "1609372800", "2020-13-01", "２０２０-12-31", "x"]
)
def test_a_day_that_ends_no_period_is_not_found(closed: tuple[PostedLedger, httpx.Client], day: str) -> None:
    _, client = closed
    answer = client.get(f"{PERIODS}/{day}")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_another_book_shows_none_of_them(closed: tuple[PostedLedger, httpx.Client]) -> None:
    _, client = closed
    assert client.get("/v1/books/other/periods").json()["periods"] == []
    missing, foreign = (client.get(f"/v1/books/{book}/periods/{SECOND}").json() for book in ("nowhere", "other"))
    assert (missing["code"], foreign["code"]) == ("NOT_FOUND", "NOT_FOUND")
    assert client.get("/v1/books/nowhere/periods").status_code == 404
