"""Bad records by the ways they come: each has its stable code and keeps its bytes, and what stands beside it posts."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from consumers.transport.ports import Outgoing
from deploy.demo.messages import Message
from ledger_core.domain.outcomes import PARKING_CODES, Code
from ledger_core.store.connection import Role
from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.event_lines import write
from tests.support.poison import poison
from tests.support.postings import Scene, captured
from tests.support.processes import PATIENCE_SECONDS, pipeline_process
from tests.support.topics import Log

pytestmark = pytest.mark.postgres


@pytest.fixture
def scene(machine: TestDatabase) -> Iterator[Scene]:
    with Scene(machine.dsn()) as scene:
        yield scene


def expected_counters(codes: list[str]) -> dict[str, int]:
    parked = sum(Code(code) in PARKING_CODES for code in codes)
    return {"posted": len(codes), "rejected": len(codes) - parked, "parked": parked}


@pytest.mark.kafka
def test_poison_on_real_kafka_stops_nothing_and_the_counts_add_up(scene: Scene, kafka_bootstrap: str) -> None:
    log = Log(scene.dsn, kafka_bootstrap)
    bad = poison()
    codes = [code for _, code in bad.values()] + ["RECORD_EMPTY"]
    records = [Outgoing(log.payments, one.key, one.value, one.headers) for one, _ in bad.values()]
    records.append(Outgoing(log.payments, b"tombstone", None, ()))
    good = [captured(f"o-{number}") for number in range(len(records))]
    beside = [Outgoing(log.payments, one.key, one.value, one.headers) for one in good]

    async def fill() -> None:
        await log.create()
        sink = log.transport.sink("tests", Role.POSTER)
        await sink.start()
        try:
            await sink.send(list(chain.from_iterable(zip(records, beside, strict=True))))
        finally:
            await sink.stop()

    asyncio.run(fill())
    consumed = "SELECT count(*) = 1 FROM ledger.source_position WHERE next_offset = %s"
    with pipeline_process("payments", scene.dsn, **log.settings) as process:
        scene.until(consumed, 2 * len(records), patience_seconds=PATIENCE_SECONDS)
        assert process.end() == 0
    assert scene.counters() == expected_counters(codes)
    letters = scene.rows("SELECT log_offset, code, key, value FROM ledger.dead_letter ORDER BY log_offset")
    assert [letter[:2] for letter in letters] == [(2 * number, code) for number, code in enumerate(codes)]
    kept = [(bytes(key), None if value is None else bytes(value)) for _, _, key, value in letters]
    assert kept == [(record.key, record.value) for record in records]


def structured(message: Message) -> bytes | None:
    """The same event as one line, its data as they are; None where no line can say it."""
    try:
        envelope = {name.removeprefix("ce_"): value.decode() for name, value in message.headers}
    except UnicodeDecodeError:
        return None
    if "ledgerbook" not in envelope:
        return None
    if not message.value:
        return b""
    return json.dumps({**envelope, "data": "<data>"}).encode().replace(b'"<data>"', message.value)


def test_poison_in_a_file_is_refused_line_by_line_and_a_repeat_replays_it(scene: Scene, tmp_path: Path) -> None:
    bad = [(line, code) for message, code in poison().values() if (line := structured(message)) is not None]
    bad += [(b"   ", "NOT_JSON"), (b'{"specversion":"1.0"}', "ENVELOPE_INVALID")]
    assert {code for _, code in bad} == {code for _, code in poison().values()}
    good = [structured(captured(f"o-{number}")) or b"" for number in range(len(bad))]
    lines = list(chain.from_iterable(zip((line for line, _ in bad), good, strict=True)))
    file = write(tmp_path / "events.ndjson", lines)
    ended = ledgerctl("ingest", file, "--json")
    assert ended.code == 0, ended.err
    assert [line["code"] for line in ended.lines[::2]] == [code for _, code in bad]
    assert {line["outcome"] for line in ended.lines[1::2]} == {"POSTED"}
    assert scene.counters() == expected_counters([code for _, code in bad])
    again = ledgerctl("ingest", file, "--json").lines
    assert Counter(line["outcome"] for line in again) == {"REPLAYED": len(lines)}
    assert [line["code"] for line in again] == [line["code"] for line in ended.lines]
