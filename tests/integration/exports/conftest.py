"""A book with every outcome, names and texts that other programs could misread, and days at the ends of time."""

from collections.abc import Iterator

import pytest
from psycopg_pool import ConnectionPool

from deploy.demo.messages import Message, Producer
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import BOOK, SOURCE, PostedLedger, captured, everything, refunded
from tests.support.shop import posting, reading_pool

SELLERS = ["A", "a::b", "a:b", "a:b:", "a.", "-x", "_", "x-ub", "X-e:-e", "9.9_9"]
EVENT_IDS = [
    'with "quotes"', "back\\slash", "ключ", "a ; b", "a  | b, c: d", "[2024-01-01] x", "=1+1", "'quoted", "date:2024",
    ":tag:", "%41",
]  # fmt: skip
DAYS = ["0001-01-02", "1399-12-31", "1969-12-31", "9999-12-30"]


def at_day(day: str) -> Message:
    body = {"payment_id": day, "amount_minor": "100", "currency": "USD", "method": "card"}
    return Producer(BOOK, SOURCE).event("payment.captured.v1", f"captured-{day}", day, f"{day}T23:59:59Z", body)


@pytest.fixture
def shop(database: TestDatabase) -> Iterator[PostedLedger]:
    with posting(database) as ledger:
        for batch in everything():
            ledger.post(batch)
        ledger.post([captured(f"of-{number}", 100, {seller: 99}) for number, seller in enumerate(SELLERS)])
        rich = {"rich": 10**17}
        ledger.post([captured(f"id-{number}", 10**17, rich, text) for number, text in enumerate(EVENT_IDS)])
        ledger.post([refunded("id-0", 7), *map(at_day, DAYS)])
        yield ledger


@pytest.fixture
def pool(database: TestDatabase) -> Iterator[ConnectionPool]:
    with reading_pool(database) as opened:
        yield opened
