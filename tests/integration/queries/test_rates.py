"""Exchange rates: the latest of each pair by its own time, whatever came when, and how old it is by the book's own."""

import asyncio

import pytest

from ledger_core.operations.charts import ChartCommands
from ledger_core.store.connection import Role, connect
from projections.queries.rates import Rates, rates
from projections.queries.snapshot import Reads, snapshot
from projections.rates.table import RATES
from projections.rebuild import rebuild
from tests.support.databases import TestDatabase
from tests.support.exchanges import published
from tests.support.posted_ledger import BOOK, PostedLedger, captured, payment
from tests.support.read_side import ReadSide
from tests.support.shop import book_id_of, posting, reading_pool

pytestmark = pytest.mark.postgres

DAYS = [f"2026-11-{day:02}T12:00:00Z" for day in range(1, 11)]


def told(database: TestDatabase, ledger: PostedLedger, *batches: list[object]) -> Rates:
    """What the read model answers once it followed each batch by itself."""
    side = ReadSide(database)

    async def follow() -> None:
        await side.relay_all()
        await side.project_all([RATES])

    asyncio.run(side.create_topic())
    for batch in batches:
        ledger.post(batch)  # type: ignore[arg-type]  # messages
        asyncio.run(follow())
    with reading_pool(database) as pool, snapshot(pool, BOOK, reads=Reads.RATES) as at:
        return rates(at)


def test_the_latest_rate_by_its_own_time_stands_in_whatever_order_they_come(database: TestDatabase) -> None:
    with posting(database) as ledger:
        found = told(
            database,
            ledger,
            [published("6.3", DAYS[2], time=DAYS[2]), published("6.1", DAYS[0], time=DAYS[3])],
            [published("6.2", DAYS[1], time=DAYS[4]), published("6.4", DAYS[2], provider="boc", time=DAYS[4])],
            [published("6.3", DAYS[2], event_id="again", time=DAYS[4]), published("0.16", DAYS[0], pair="BRL/EUR")],
            [published("9.9", DAYS[9], event_id="refused", time=DAYS[5], valid_until=DAYS[8])],
        )
        book_id = book_id_of(database)
    assert [(one.base, one.counter, one.rate, one.provider, one.publications) for one in found.rates] == [
        ("BRL", "EUR", "0.16", "ecb", 1), ("EUR", "BRL", "6.3", "ecb", 5),
    ]  # fmt: skip
    rebuilt = rebuild(ReadSide(database).connect, book_id, RATES, step_events=2)
    assert rebuilt.same


def test_a_rate_is_stale_by_the_chart_by_its_own_end_and_by_nothing_else(database: TestDatabase) -> None:
    with posting(database) as ledger:
        batch = [
            published("6.1", DAYS[0], time=DAYS[0]),
            published("162", DAYS[1], pair="EUR/JPY", time=DAYS[0], valid_until="2026-11-02T12:00:00.000001Z"),
            published("0.41", DAYS[1], pair="EUR/BHD", time=DAYS[0]),
            captured("o-1", 1, time=DAYS[1]),
            payment("captured", "o-2", amount_minor="0", currency="BRL", method="card", time=DAYS[9]),
        ]
        fresh = told(database, ledger, list(batch))
        assert [(one.counter, one.age_seconds, one.stale) for one in fresh.rates] == [
            ("BHD", 0, False), ("BRL", 86_400, False), ("JPY", 0, False)
        ]  # fmt: skip
        charts = ChartCommands(lambda: connect(database.dsn(), Role.POSTER), BOOK)
        charts.apply({**charts.show().document, "exchange": {"max_age_minutes": 1_440}}, reason="a test")
        assert not any(one.stale for one in told(database, ledger).rates)
        later = told(database, ledger, [captured("o-3", 1, time="2026-11-02T12:00:01Z")])
        assert {one.counter: one.stale for one in later.rates} == {"BHD": False, "BRL": True, "JPY": True}
        assert later.max_age_minutes == 1_440
