"""SIGKILL of PostgreSQL while a batch is being posted: what was acknowledged is there, what was not is posted once."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.postgres import LocalPostgres
from tests.support.consuming import Station
from tests.support.databases import create_database
from tests.support.postings import Gate, Scene, captured
from tests.support.servers import SERVERS_VARIABLE

pytestmark = [pytest.mark.postgres, pytest.mark.fault]


@pytest.fixture
def server() -> Iterator[LocalPostgres]:
    """A server of this test alone, on files that the server's user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="mortal-", dir=os.environ[SERVERS_VARIABLE]))
    folder.chmod(0o755)
    server = LocalPostgres(folder / "postgres")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("label", ["events", "after_commit"])
def test_a_server_killed_while_a_batch_is_posted_recovers_and_the_batch_posts_once(
    server: LocalPostgres, label: str
) -> None:
    dsn = create_database(server.dsn()).dsn()

    async def play(scene: Scene) -> None:
        station = Station(scene)
        await station.open()
        gate = Gate(label)
        station.send(*(captured(f"o-{n}") for n in range(80)))
        async with station.worker(gate):
            await asyncio.to_thread(gate.wait)
            await asyncio.to_thread(server.kill)
            gate.open()
            await asyncio.to_thread(server.start)
            scene.reconnect()
            await station.until_consumed()
            station.send(captured("o-afterwards"))
            await station.until_consumed()

    with Scene(dsn) as scene:
        asyncio.run(play(scene))
        assert scene.counters() == {"posted": 81}
        scene.assert_whole()
