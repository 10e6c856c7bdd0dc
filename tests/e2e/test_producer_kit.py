"""`schemas` installs alone, and the documented ten lines publish an event that the ledger reads."""

import asyncio
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from consumers.decode import Decoder
from consumers.transport.kafka import KafkaAdmin, KafkaSource
from consumers.transport.ports import Partition, Record, Source

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "how-to" / "publish-events.md"
TOPIC = "payments.events.v1"

ALONE = """
import sys
sys.path.insert(0, sys.argv[1])
import schemas.producer, schemas.events.registry
from schemas.producer import Producer
assert schemas.__file__.startswith(sys.argv[1]), schemas.__file__
data = {"payment_id": "p-1", "amount_minor": "1", "currency": "EUR", "method": "card"}
Producer("shop", "/shop").event("payment.captured.v1", "e", "p-1", "2026-11-21T08:46:53Z", data)
tops = {name.partition(".")[0] for name in sys.modules}
print(*sorted(tops - set(sys.stdlib_module_names)))
"""
ALLOWED = {
    "__main__", "schemas", "orjson", "pydantic", "pydantic_core", "annotated_types", "typing_extensions",
    "typing_inspection",
}  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of `schemas`, unpacked."""
    folder = tmp_path_factory.mktemp("schemas")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT / "schemas", check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_schemas_alone_make_an_event(installed: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-c", ALONE, str(installed)]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    loaded = {name for name in ended.stdout.split() if not name.startswith(("_", "sitecustomize", "distutils"))}
    assert loaded <= ALLOWED


def test_they_bring_schemas_and_examples_but_no_database(installed: Path) -> None:
    names = {path.relative_to(installed / "schemas").as_posix() for path in (installed / "schemas").rglob("*.*")}
    assert {
        "json/payment.captured.v1.json",
        "examples/payment.captured.v1.json",
        "producer.py",
        "asyncapi.json",
    } <= names
    assert not any(name.startswith("sql") for name in names)


@pytest.mark.kafka
def test_the_ten_lines_of_the_guide_publish_an_event(kafka_bootstrap: str, installed: Path, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 12
    topic = f"payments.{uuid4().hex}"
    asyncio.run(KafkaAdmin(kafka_bootstrap).ensure_topics({topic: 1}))
    ended = subprocess.run(
        [sys.executable, "-c", code.replace(TOPIC, topic)], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        check=False, env={"LEDGER_KAFKA_BOOTSTRAP": kafka_bootstrap, "PYTHONPATH": str(installed)},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    record = asyncio.run(first_record(kafka_bootstrap, Partition(topic, 0)))
    incoming = Decoder({"EUR": 1}).decode(record)
    assert (record.key, incoming.book, incoming.event_id) == (b"p-1", "shop", "payment-capture-p-1")
    assert incoming.refusal is None


class FromTheBeginning:
    """Reads every partition from its first record."""

    async def assigned(self, source: Source, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        return dict.fromkeys(partitions, 0)

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Nothing is kept of them."""


async def first_record(bootstrap: str, partition: Partition) -> Record:
    source = KafkaSource(bootstrap, [partition.topic], group_id=None, partitions=[partition])
    await source.start(FromTheBeginning())
    try:
        for _ in range(30):
            for part in (await source.fetch(max_records=1, timeout_ms=1_000)).values():
                return part.records[0]
    finally:
        await source.stop()
    raise AssertionError("nothing arrived")
