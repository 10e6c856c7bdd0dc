"""SIGKILL of the real relay and projector processes at each of their labelled points (I5, I6, I14)."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from consumers.ledger_messages import LEDGER_TOPIC
from consumers.projector import LABELS as PROJECTOR_LABELS
from consumers.relay import LABELS as RELAY_LABELS
from consumers.transport.postgres_log import PostgresLogAdmin
from consumers.transport.postgres_log.segments import decode
from ledger_core.store.connection import Role, connect
from projections.rebuild import rebuild
from projections.registry import PROJECTIONS
from tests.support.databases import TestDatabase
from tests.support.planted_ledger import PlantedLedger, plant

pytestmark = [pytest.mark.postgres, pytest.mark.fault]

REPOSITORY = Path(__file__).parents[2]
PATIENCE_SECONDS = 60


async def create_topic(database: TestDatabase) -> None:
    admin = PostgresLogAdmin(database.dsn())
    await admin.ensure_topics({LEDGER_TOPIC: 1})
    await admin.close()


@pytest.fixture
def shop(database: TestDatabase) -> Iterator[PlantedLedger]:
    """A book with payments, and the ledger's topic in the embedded log."""
    asyncio.run(create_topic(database))
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        book = plant(connection)
        for number in range(10):
            book.capture(f"o{number}", 100)
        yield book


def start(database: TestDatabase, name: str, kill_at: str = "") -> "subprocess.Popen[bytes]":
    environment = os.environ | {
        "LEDGER_POSTGRES_DSN": database.dsn(),
        "LEDGER_ALLOW_OWNER_LOGIN": "true",
        "LEDGER_FAULT_KILL_AT": kill_at,
    }
    return subprocess.Popen([sys.executable, "-m", "consumers.bootstrap", name], cwd=REPOSITORY, env=environment)


@contextmanager
def running(database: TestDatabase, name: str) -> Iterator[None]:
    """A process that ends in good order at the end of the block."""
    process = start(database, name)
    try:
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def die_at(database: TestDatabase, name: str, label: str) -> None:
    """Run a process until it kills itself at the label; one that never gets there fails the test."""
    process = start(database, name, label)
    try:
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline, "not reached in time"
        time.sleep(0.02)  # other processes work meanwhile; nothing is decided by how long


def is_relayed(shop: PlantedLedger) -> Callable[[], bool]:
    query = """SELECT book.position = relayed.position FROM ledger.book
               JOIN ledger.relay_checkpoint AS relayed USING (book_id) WHERE book_id = %s"""
    return lambda: shop.connection.execute(query, [shop.book_id]).fetchone() == (True,)


def is_projected(shop: PlantedLedger) -> Callable[[], bool]:
    query = "SELECT count(*), max(lag_positions) FROM projections.progress WHERE book_id = %s"
    return lambda: shop.connection.execute(query, [shop.book_id]).fetchone() == (len(PROJECTIONS), 0)


def published_positions(shop: PlantedLedger) -> list[int]:
    positions: list[int] = []
    for base, payload in shop.connection.execute(
        "SELECT base_offset, payload FROM transport.segment ORDER BY base_offset", binary=True
    ):
        records = decode(payload, topic=LEDGER_TOPIC, partition=0, base_offset=base, timestamp_ms=0)
        positions += [json.loads(record.value or b"")["ledgerposition"] for record in records]
    return positions


@pytest.mark.parametrize("label", RELAY_LABELS)
def test_a_relay_killed_at_any_point_repeats_and_never_skips(
    database: TestDatabase, shop: PlantedLedger, label: str
) -> None:
    die_at(database, "relay", label)
    shop.capture("after the crash", 100)
    with running(database, "relay"):
        until(is_relayed(shop))
    positions = published_positions(shop)
    assert list(dict.fromkeys(positions)) == list(range(1, 16))
    assert (len(positions) > 15) is (label == "relay.sent")


@pytest.mark.parametrize("label", PROJECTOR_LABELS)
def test_a_projector_killed_at_any_point_applies_each_event_once(
    database: TestDatabase, shop: PlantedLedger, label: str
) -> None:
    with running(database, "relay"):
        until(is_relayed(shop))
        die_at(database, "projector", label)
        shop.capture("after the crash", 100)
        with running(database, "projector"):
            until(is_projected(shop))
    for projection in PROJECTIONS:
        assert rebuild(lambda: connect(database.dsn(), Role.PROJECTOR), shop.book_id, projection).same
    captured = shop.connection.execute("SELECT sum(captured_minor)::bigint FROM projections.payment").fetchone()
    assert captured == (1_100,)
