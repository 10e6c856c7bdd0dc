"""The projector (I6): checkpoints alone decide what is applied, whatever the topic repeats, loses or garbles."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import orjson
import psycopg
import pytest

from consumers.ledger_messages import LEDGER_TOPIC
from consumers.projector import LABELS, Projector
from consumers.transport.memory import MemorySource
from consumers.transport.ports import Outgoing, Partition
from ledger_core.store.appender import NewEvent, append_events
from projections.payments.table import PAYMENTS
from projections.rebuild import rebuild
from projections.registry import PROJECTIONS
from tests.support.planted_ledger import plant
from tests.support.projecting import captured, progress, refresh
from tests.support.read_side import ReadSide

pytestmark = pytest.mark.postgres

FIRST = Partition(LEDGER_TOPIC, 0)


def rewrite(side: ReadSide, change: Callable[[bytes], bytes | None], positions: Sequence[int]) -> None:
    """Change messages in the topic, by position."""
    for record in side.log.log_of(FIRST).records:
        assert record.value is not None
        if orjson.loads(record.value)["ledgerposition"] in positions:
            record.value = change(record.value)


def message_with(**attributes: object) -> Callable[[bytes], bytes]:
    return lambda value: orjson.dumps(orjson.loads(value) | attributes)


def test_a_second_projector_goes_on_where_the_first_was(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    assert refresh(read_side) == 4
    shop.capture("o1", 100)
    asyncio.run(read_side.relay_all())
    read_side.log.log_of(FIRST).records[1].value = b"not read again"
    assert asyncio.run(read_side.project_all()) == 1
    assert progress(admin, shop.book_id) == {(5, "")}


def test_messages_that_come_again_change_nothing(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    shop.capture("o1", 100)
    refresh(read_side)
    admin.execute("UPDATE ledger.relay_checkpoint SET position = 2")
    shop.capture("o2", 50)
    assert refresh(read_side) == 1
    assert captured(admin, shop.book_id) == 150


def test_a_recreated_topic_is_read_from_its_beginning(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    shop.capture("o1", 100)
    refresh(read_side)

    async def recreate() -> None:
        await read_side.log.delete_topic(LEDGER_TOPIC)
        await read_side.create_topic()

    asyncio.run(recreate())
    admin.execute("UPDATE ledger.relay_checkpoint SET position = 0")
    for number in range(2, 9):
        shop.capture(f"o{number}", 100)
    assert refresh(read_side) == 7
    assert captured(admin, shop.book_id) == 800


def test_what_retention_took_from_the_topic_is_read_from_the_store(
    admin: psycopg.Connection, read_side: ReadSide
) -> None:
    shop = plant(admin)
    for number in range(20):
        shop.capture(f"o{number}", 100)
    asyncio.run(read_side.relay_all())
    asyncio.run(read_side.log.delete_records({FIRST: 22}))
    assert asyncio.run(read_side.project_all()) == 24
    assert captured(admin, shop.book_id) == 2_000


def test_a_gap_longer_than_a_step_is_read_in_several(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    for number in range(20):
        shop.capture(f"o{number}", 100)
    asyncio.run(read_side.relay_all())
    asyncio.run(read_side.log.delete_records({FIRST: 23}))

    async def project() -> None:
        source = MemorySource(read_side.log, [LEDGER_TOPIC])
        projector = Projector(source, read_side.connect, max_step_events=3)
        await source.start(projector)
        await projector.project_once(timeout_ms=0)
        await projector.close()

    asyncio.run(project())
    assert captured(admin, shop.book_id) == 2_000
    assert progress(admin, shop.book_id) == {(24, "")}


def test_a_stub_is_read_from_the_store(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    for number in range(3):
        shop.capture(f"o{number}", 100)
    read_side.log.max_message_bytes = 800
    refresh(read_side)
    records = read_side.log.log_of(FIRST).records
    assert any(b"ledgerstub" in (record.value or b"") for record in records)
    assert captured(admin, shop.book_id) == 300


@pytest.mark.parametrize("garbage", [b"", b"\xff", b"{}", b"[1]", b'{"ledgerposition":"6"}', b"null", None])
def test_a_message_that_cannot_be_read_is_asked_of_the_store(
    admin: psycopg.Connection, read_side: ReadSide, garbage: bytes | None
) -> None:
    shop = plant(admin)
    shop.capture("o1", 100)
    shop.capture("o2", 100)
    asyncio.run(read_side.relay_all())
    rewrite(read_side, lambda value: garbage, [5, 6])
    asyncio.run(read_side.project_all())
    assert captured(admin, shop.book_id) == 200
    assert progress(admin, shop.book_id) == {(6, "")}


def test_messages_of_unknown_books_are_passed_over(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    read_side.log.append(FIRST, [Outgoing(LEDGER_TOPIC, b"elsewhere", b"?"), Outgoing(LEDGER_TOPIC, None, b"{}")])
    shop.capture("o1", 100)
    assert refresh(read_side) == 5
    assert captured(admin, shop.book_id) == 100


@pytest.mark.parametrize("attributes", [{"ledgerblockhash": "00" * 32}, {"ledgerposition": 77}])
def test_a_message_of_another_log_stops_its_book_alone(
    admin: psycopg.Connection, read_side: ReadSide, attributes: dict[str, object]
) -> None:
    shop, other = plant(admin, "shop"), plant(admin, "other")
    refresh(read_side)
    shop.capture("o1", 100)
    other.capture("o1", 100)
    asyncio.run(read_side.relay_all())
    for record in read_side.log.log_of(FIRST).records:
        if record.key == b"shop" and orjson.loads(record.value or b"")["ledgerposition"] == 5:
            record.value = message_with(**attributes)(record.value or b"")
    asyncio.run(read_side.project_all())
    assert progress(admin, shop.book_id) == {(4, "MESSAGE_NOT_IN_LOG")}
    assert progress(admin, other.book_id) == {(5, "")}
    assert captured(admin, other.book_id) == 100


def test_a_stopped_book_goes_on_after_a_rebuild(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    shop.capture("o1", 100)
    asyncio.run(read_side.relay_all())
    rewrite(read_side, message_with(ledgerblockhash="00" * 32), [5])
    asyncio.run(read_side.project_all())
    shop.capture("o2", 100)
    assert refresh(read_side) == 0
    for projection in PROJECTIONS:
        rebuild(read_side.connect, shop.book_id, projection)
    shop.capture("o3", 100)
    refresh(read_side)
    assert progress(admin, shop.book_id) == {(7, "")}
    assert captured(admin, shop.book_id) == 300


def test_a_checkpoint_whose_block_is_gone_stops_the_book(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    refresh(read_side)
    admin.execute("UPDATE projections.checkpoint SET block_hash = 'other'")
    shop.capture("o1", 100)
    refresh(read_side)
    assert progress(admin, shop.book_id) == {(4, "LOG_REWRITTEN")}


def test_a_new_epoch_is_followed_and_the_old_one_left(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    refresh(read_side)
    admin.execute("UPDATE ledger.book SET log_epoch = 2 WHERE book_id = %s", [shop.book_id])
    shop.capture("o1", 100)
    asyncio.run(read_side.relay_all())
    last = read_side.log.log_of(FIRST).records[-1]
    late = message_with(ledgerepoch=1, ledgerposition=6, ledgerblockhash="00" * 32)(last.value or b"")
    read_side.log.append(FIRST, [Outgoing(LEDGER_TOPIC, b"shop", late)])
    asyncio.run(read_side.project_all())
    assert progress(admin, shop.book_id) == {(5, "")}
    assert captured(admin, shop.book_id) == 100


def test_an_event_that_cannot_be_folded_stops_its_book_alone(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop, other = plant(admin, "shop"), plant(admin, "other")
    with admin.transaction():
        append_events(admin, shop.book_id, [NewEvent("fact.recorded", b'{"kind":"capture"}', "o1")])
    shop.capture("o2", 100)
    other.capture("o1", 100)
    refresh(read_side)
    assert progress(admin, shop.book_id) == {(4, "EVENT_NOT_FOLDED")}
    assert progress(admin, other.book_id) == {(5, "")}


def test_a_garbled_state_in_the_topic_is_read_from_the_store(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    shop.capture("o1", 100)
    asyncio.run(read_side.relay_all())
    rewrite(read_side, message_with(data={"kind": "capture"}), [5])
    asyncio.run(read_side.project_all())
    assert progress(admin, shop.book_id) == {(5, "")}
    assert captured(admin, shop.book_id) == 100


def test_rows_of_another_version_of_the_fold_are_left_alone(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    refresh(read_side)
    shop.capture("o1", 100)
    asyncio.run(read_side.relay_all())
    newer = [replace(PAYMENTS, fold_version=PAYMENTS.fold_version + 1), *PROJECTIONS[1:]]
    asyncio.run(read_side.project_all(newer))
    assert progress(admin, shop.book_id) == {(4, "FOLD_CHANGED"), (5, "")}
    rebuild(read_side.connect, shop.book_id, newer[0])
    shop.capture("o2", 100)
    asyncio.run(read_side.relay_all())
    asyncio.run(read_side.project_all(newer))
    assert progress(admin, shop.book_id) == {(6, "")}
    assert captured(admin, shop.book_id) == 200


def test_a_new_read_model_catches_up_from_the_store(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    shop.capture("o1", 100)

    async def with_two_models() -> None:
        await read_side.relay_all()
        await read_side.project_all(PROJECTIONS[1:])

    asyncio.run(with_two_models())
    shop.capture("o2", 100)
    refresh(read_side)
    assert progress(admin, shop.book_id) == {(6, "")}
    assert captured(admin, shop.book_id) == 200
    trial = admin.execute("SELECT sum(debits_minor)::bigint FROM projections.trial_balance").fetchone()
    assert trial == (200,)


@pytest.mark.parametrize("label", LABELS)
def test_a_crash_at_any_point_applies_each_event_once(
    admin: psycopg.Connection, read_side: ReadSide, label: str
) -> None:
    shop = plant(admin)
    for number in range(5):
        shop.capture(f"o{number}", 100)

    class Crash(Exception):
        """Stands for the death of the process."""

    def strike(reached: str) -> None:
        if reached == label:
            raise Crash

    async def crash_and_restart() -> None:
        await read_side.relay_all()
        source = MemorySource(read_side.log, [LEDGER_TOPIC])
        projector = Projector(source, read_side.connect, labels=strike)
        await source.start(projector)
        with pytest.raises(Crash):
            await projector.project_once()
        await projector.close()
        await read_side.project_all()

    asyncio.run(crash_and_restart())
    assert captured(admin, shop.book_id) == 500
