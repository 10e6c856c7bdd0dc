"""The relay (I5): every committed event reaches the topic, first appearances in order, whatever strikes between."""

import asyncio
import json
from collections.abc import Callable

import psycopg
import pytest

from consumers.ledger_messages import LEDGER_TOPIC
from consumers.relay import LABELS, Relay
from consumers.relay_log import ChunkLimits, LogHasHole
from consumers.transport.memory import MemorySink
from consumers.transport.ports import Partition, SendFailed
from ledger_core.store.appender import NewEvent, append_events
from tests.support.planted_ledger import PlantedLedger, plant
from tests.support.read_side import ReadSide

pytestmark = pytest.mark.postgres

Message = dict[str, object]


class Crash(Exception):
    """Stands for the death of a process at a labelled point."""


def crash_at(label: str) -> Callable[[str], None]:
    def strike(reached: str) -> None:
        if reached == label:
            raise Crash(label)

    return strike


def append_block(admin: psycopg.Connection, book_id: int, events: int) -> None:
    with admin.transaction():
        states = (b'{"code":"X","detail":"%d"}' % number for number in range(events))
        append_events(admin, book_id, [NewEvent("event.skipped", state, "k") for state in states])


def published(side: ReadSide, book: str = "shop", partition: int = 0) -> list[Message]:
    records = side.log.log_of(Partition(LEDGER_TOPIC, partition)).records
    return [json.loads(record.value or b"") for record in records if record.key == book.encode()]


def first_appearances(messages: list[Message]) -> list[object]:
    return list(dict.fromkeys(message["ledgerposition"] for message in messages))


def positions_of(admin: psycopg.Connection, book_id: int) -> list[int]:
    rows = admin.execute("SELECT position FROM ledger.event WHERE book_id = %s ORDER BY position", [book_id])
    return [position for (position,) in rows]


async def relay_all(relay: Relay) -> int:
    relayed = 0
    try:
        while sent := await relay.relay_once():
            relayed += sent
    finally:
        await relay.close()
    return relayed


def test_messages_are_cloud_events_with_the_stored_state(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    shop.capture('or"der,"data":1', 900)
    asyncio.run(read_side.relay_all())
    message = published(read_side)[-1]
    stored = admin.execute(
        """SELECT convert_from(state, 'UTF8'), encode(block.hash, 'hex'), recorded_at
           FROM ledger.event JOIN ledger.block ON block.last_position = event.position WHERE voucher_no = 1"""
    ).fetchone()
    assert stored is not None
    state, block_hash, recorded_at = stored
    assert message.pop("data") == json.loads(state)
    assert message == {
        "specversion": "1.0",
        "id": "shop/5",
        "source": "/ledger/shop",
        "type": "ledger.voucher.posted.v1",
        "subject": 'or"der,"data":1',
        "time": recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "ledgerbook": "shop",
        "ledgerposition": 5,
        "ledgerepoch": 1,
        "ledgerblock": 5,
        "ledgerblockhash": block_hash,
        "ledgervoucher": 1,
    }
    record = read_side.log.log_of(Partition(LEDGER_TOPIC, 0)).records[-1]
    assert record.key == b"shop"
    assert list(record.headers) == [("content-type", b"application/cloudevents+json")]


@pytest.mark.parametrize("of_one_book", [1, 3, 4, 5, 100])
def test_blocks_are_told_apart_however_the_chunks_are_cut(
    admin: psycopg.Connection, read_side: ReadSide, of_one_book: int
) -> None:
    shop = PlantedLedger(admin, "shop")
    for events in (4, 1, 7, 2):
        append_block(admin, shop.book_id, events)
    limits = ChunkLimits(of_one_book=of_one_book, of_all_books=of_one_book)
    asyncio.run(relay_all(Relay(read_side.connect, MemorySink(read_side.log), limits=limits)))
    sent = [(message["ledgerposition"], message["ledgerblockhash"]) for message in published(read_side)]
    assert (
        sent
        == admin.execute(
            """SELECT event.position, encode(block.hash, 'hex') FROM ledger.event JOIN ledger.block
           ON block.book_id = event.book_id AND event.position BETWEEN first_position AND last_position
           WHERE event.book_id = %s ORDER BY 1""",
            [shop.book_id],
        ).fetchall()
    )


def test_large_events_make_short_chunks(admin: psycopg.Connection, read_side: ReadSide) -> None:
    books = [PlantedLedger(admin, code) for code in ("one", "two")]
    for book in books:
        append_block(admin, book.book_id, 30)
    limits = ChunkLimits(of_bytes=300)
    sent: list[int] = []

    async def relay_in_rounds() -> None:
        relay = Relay(read_side.connect, MemorySink(read_side.log), limits=limits)
        while (events := await relay.relay_once()) and len(sent) < 100:
            sent.append(events)
        await relay.close()

    asyncio.run(relay_in_rounds())
    assert max(sent) <= 15
    for book in books:
        assert first_appearances(published(read_side, book.code)) == positions_of(admin, book.book_id)
    assert sum(sent) == 62


def test_nothing_is_published_beyond_a_hole_in_the_log(admin: psycopg.Connection, read_side: ReadSide) -> None:
    for position in (4, 7, 11):
        shop = PlantedLedger(admin, f"shop-{position}")
        append_block(admin, shop.book_id, 4)
        append_block(admin, shop.book_id, 6)
        admin.execute("SET session_replication_role = replica")
        admin.execute("DELETE FROM ledger.event WHERE book_id = %s AND position = %s", [shop.book_id, position])
        admin.execute("SET session_replication_role = origin")
        with pytest.raises(LogHasHole):
            asyncio.run(relay_all(read_side.relay()))
        assert published(read_side, shop.code) == []
        admin.execute("UPDATE ledger.book SET position = 0 WHERE book_id = %s", [shop.book_id])


@pytest.mark.parametrize("label", LABELS)
def test_a_crash_at_any_point_repeats_and_never_skips(
    admin: psycopg.Connection, read_side: ReadSide, label: str
) -> None:
    shop = plant(admin)
    for number in range(5):
        shop.capture(f"o{number}", 100)

    async def crash_and_restart() -> None:
        relay = read_side.relay(labels=crash_at(label))
        with pytest.raises(Crash):
            await relay.relay_once()
        await relay.close()
        await read_side.relay_all()

    asyncio.run(crash_and_restart())
    assert first_appearances(published(read_side)) == positions_of(admin, shop.book_id)


def test_a_failed_send_is_sent_again_from_the_checkpoint(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    for number in range(5):
        shop.capture(f"o{number}", 100)

    async def fail_and_go_on() -> None:
        relay = read_side.relay()
        read_side.log.faults.send_fails_after = 3
        with pytest.raises(SendFailed):
            await relay.relay_once()
        read_side.log.faults.send_lost_acknowledgement = True
        with pytest.raises(SendFailed):
            await relay.relay_once()
        await relay_all(relay)

    asyncio.run(fail_and_go_on())
    messages = published(read_side)
    assert first_appearances(messages) == positions_of(admin, shop.book_id)
    assert len(messages) > len(first_appearances(messages))


def test_two_relays_at_once_repeat_and_keep_the_order(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = PlantedLedger(admin, "shop")
    for _ in range(20):
        append_block(admin, shop.book_id, 5)
    limits = ChunkLimits(of_one_book=7)

    async def both() -> None:
        relays = [Relay(read_side.connect, MemorySink(read_side.log), limits=limits) for _ in range(2)]
        await asyncio.gather(*map(relay_all, relays))

    asyncio.run(both())
    assert first_appearances(published(read_side)) == positions_of(admin, shop.book_id)
    checkpoint = admin.execute("SELECT position FROM ledger.relay_checkpoint WHERE book_id = %s", [shop.book_id])
    assert checkpoint.fetchone() == (101,)


def test_what_is_not_committed_is_not_published(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    before = positions_of(admin, shop.book_id)
    with admin.transaction(force_rollback=True):
        append_events(admin, shop.book_id, [NewEvent("event.skipped", b"{}")])
        asyncio.run(read_side.relay_all())
    asyncio.run(read_side.relay_all())
    assert first_appearances(published(read_side)) == before


def test_an_event_too_large_for_the_topic_goes_as_a_stub(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    for size in (10, 5_000, 10, 6_000):
        with admin.transaction():
            state = json.dumps({"code": "X", "detail": "x" * size}).encode()
            append_events(admin, shop.book_id, [NewEvent("event.rejected", state, "k")])
    read_side.log.max_message_bytes = 3_000
    asyncio.run(read_side.relay_all())
    messages = published(read_side)
    assert [message["ledgerposition"] for message in messages if "ledgerstub" in message] == [6, 8]
    assert all(("data" in message) != ("ledgerstub" in message) for message in messages)
    assert first_appearances(messages) == positions_of(admin, shop.book_id)


def test_messages_name_the_epoch_that_a_restore_has_raised(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    asyncio.run(read_side.relay_all())
    admin.execute("UPDATE ledger.book SET log_epoch = 2 WHERE book_id = %s", [shop.book_id])
    shop.capture("o1", 100)
    asyncio.run(read_side.relay_all())
    assert [message["ledgerepoch"] for message in published(read_side)] == [1, 1, 1, 1, 2]
    checkpoint = admin.execute(
        "SELECT position, log_epoch FROM ledger.relay_checkpoint WHERE book_id = %s", [shop.book_id]
    )
    assert checkpoint.fetchone() == (5, 2)


def test_a_book_with_much_news_does_not_keep_others_waiting(admin: psycopg.Connection, read_side: ReadSide) -> None:
    busy, calm = PlantedLedger(admin, "busy"), PlantedLedger(admin, "calm")
    append_block(admin, busy.book_id, 100)
    append_block(admin, calm.book_id, 3)
    limits = ChunkLimits(of_one_book=10, of_all_books=10)

    async def two_rounds() -> None:
        relay = Relay(read_side.connect, MemorySink(read_side.log), limits=limits)
        for _ in range(3):
            await relay.relay_once()
        await relay.close()

    asyncio.run(two_rounds())
    assert first_appearances(published(read_side, "calm")) == [1, 2, 3, 4]
    assert len(published(read_side, "busy")) < 101


def test_the_running_relay_outlives_lost_connections_and_an_absent_log(
    admin: psycopg.Connection, read_side: ReadSide
) -> None:
    shop = plant(admin)

    async def run_through_outages() -> None:
        stop = asyncio.Event()
        read_side.log.faults.unavailable = True
        running = asyncio.create_task(read_side.relay().run(stop))
        await asyncio.sleep(0)
        read_side.log.faults.unavailable = False
        await read_side.until_published(4)
        await asyncio.to_thread(
            admin.execute,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = session_user"
            " AND datname = current_database() AND pid <> pg_backend_pid()",
        )
        await asyncio.to_thread(shop.capture, "o1", 100)
        await read_side.until_published(5)
        stop.set()
        await running

    asyncio.run(run_through_outages())
    assert first_appearances(published(read_side)) == positions_of(admin, shop.book_id)
