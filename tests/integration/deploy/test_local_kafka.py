"""The local Kafka: topics survive, and what is missing is said in one line."""

import asyncio
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local import kafka_jars
from deploy.local.errors import LocalServiceError, LocalServiceUnavailable
from deploy.local.java import find_java, major_version
from deploy.local.kafka import LocalKafka
from deploy.local.kafka_jars import find_jars

pytestmark = pytest.mark.kafka


@pytest.fixture
def broker(kafka_bootstrap: str, open_folder: Path) -> LocalKafka:
    """A broker of the test's own; asking for the shared one first skips where there is no Kafka."""
    return LocalKafka(open_folder / "kafka", heap_mb=256)


async def create_topic(bootstrap: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])
    finally:
        await admin.close()


async def topics(bootstrap: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return sorted(await admin.list_topics())
    finally:
        await admin.close()


@pytest.mark.slow
def test_topics_and_port_are_kept_over_sigkill_stop_and_attach(broker: LocalKafka) -> None:
    with broker:
        address = broker.bootstrap_servers
        asyncio.run(create_topic(address, "kept"))
        broker.kill()
        assert not broker.running
        broker.start()
        assert asyncio.run(topics(address)) == ["kept"]
        guest = LocalKafka(broker.data_dir)
        guest.start()
        assert guest.bootstrap_servers == address
        broker.stop()
        assert not guest.running
        broker.start()
        assert asyncio.run(topics(broker.bootstrap_servers)) == ["kept"]
        assert broker.bootstrap_servers == address
    assert not broker.running


def test_folder_with_other_files_is_left_alone(open_folder: Path) -> None:
    (open_folder / "data").mkdir()
    (open_folder / "data" / "thesis.txt").write_text("years of work")
    with pytest.raises(LocalServiceError, match=r"thesis\.txt"):
        LocalKafka(open_folder / "data").start()


def test_without_maven_and_jars_the_other_ways_are_named(tmp_path: Path) -> None:
    with pytest.raises(LocalServiceUnavailable, match="LEDGER_KAFKA_BOOTSTRAP") as refusal:
        find_jars(tmp_path, Path("java"), {"PATH": str(tmp_path)})
    assert "\n" not in str(refusal.value)


def test_maven_that_fails_is_quoted_in_one_line(tmp_path: Path) -> None:
    fake = tmp_path / "mvn"
    fake.write_text("#!/bin/sh\necho '[ERROR] Could not resolve dependencies'\nexit 1\n")
    fake.chmod(0o755)
    with pytest.raises(LocalServiceUnavailable, match="Could not resolve dependencies"):
        find_jars(tmp_path / "cache", Path("/usr/bin/java"), {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert list((tmp_path / "cache").iterdir()) == []


def test_jars_that_differ_from_the_committed_hashes_are_refused(tmp_path: Path) -> None:
    fake = tmp_path / "mvn"
    fake.write_text(
        """#!/bin/sh
        for word in "$@"; do
            case $word in -DoutputDirectory=*) echo evil > "${word#*=}/kafka_2.13-4.3.1.jar"; esac
        done
        """
    )
    fake.chmod(0o755)
    with pytest.raises(LocalServiceError, match="not the ones that were tested"):
        find_jars(tmp_path / "cache", Path("/usr/bin/java"), {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert list((tmp_path / "cache").iterdir()) == []


def test_hashes_are_committed_for_the_versions_of_the_pom() -> None:
    names = [line.split()[1] for line in kafka_jars.HASHES.read_text().splitlines()]
    assert "kafka_2.13-4.3.1.jar" in names
    assert "log4j-slf4j-impl-2.25.2.jar" in names
    assert "<version>4.3.1</version>" in kafka_jars.POM.read_text()


def test_java_too_old_on_the_path_is_passed_over_for_the_wheels(tmp_path: Path) -> None:
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    old.chmod(0o755)
    assert major_version(old) == 11
    java = find_java({"PATH": str(tmp_path)})
    assert java != old
    assert (major_version(java) or 0) >= 17
