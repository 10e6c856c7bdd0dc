"""The way from the log to the read models in one process: relay, a log in memory, projector."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg

from consumers.ledger_messages import LEDGER_TOPIC
from consumers.projector import Projector
from consumers.relay import Relay
from consumers.transport.memory import MemoryLog, MemorySink, MemorySource
from consumers.transport.ports import Partition
from ledger_core.store.connection import Role, connect
from projections.projection import Projection
from projections.rebuild import Checksum, checksum
from projections.registry import PROJECTIONS
from tests.support.databases import TestDatabase


@dataclass(slots=True)
class ReadSide:
    """Relay and projector over a log in memory; the caller decides when each of them runs."""

    database: TestDatabase
    log: MemoryLog = field(default_factory=MemoryLog)
    partitions: int = 1

    def connect(self) -> psycopg.Connection:
        """A connection as the processes of the read side have it."""
        return connect(self.database.dsn(), Role.PROJECTOR)

    async def create_topic(self) -> None:
        await self.log.ensure_topics({LEDGER_TOPIC: self.partitions})

    def relay(self, *, labels: Callable[[str], None] = lambda label: None) -> Relay:
        return Relay(self.connect, MemorySink(self.log), labels=labels)

    def projector(self, projections: Sequence[Projection] = PROJECTIONS) -> Projector:
        return Projector(MemorySource(self.log, [LEDGER_TOPIC]), self.connect, projections)

    async def relay_all(self) -> int:
        """Publish everything that is committed; returns the number of messages."""
        relay = self.relay()
        relayed = 0
        while sent := await relay.relay_once():
            relayed += sent
        await relay.close()
        return relayed

    async def project_all(self, projections: Sequence[Projection] = PROJECTIONS) -> int:
        """Apply everything that the topic holds; returns the number of events that were new."""
        source = MemorySource(self.log, [LEDGER_TOPIC])
        projector = Projector(source, self.connect, projections)
        await source.start(projector)
        events = 0
        while (applied := await projector.project_once(timeout_ms=0)) is not None:
            events += applied.events
        await projector.close()
        return events

    def checksums(self, book_id: int) -> dict[str, Checksum]:
        """Checksum of what readers see of each projection."""
        with self.connect() as connection:
            versions = connection.execute(
                "SELECT projection, version FROM projections.progress WHERE book_id = %s", [book_id]
            ).fetchall()
            by_name = {projection.name: projection for projection in PROJECTIONS}
            return {name: checksum(connection, by_name[name], book_id, version) for name, version in versions}

    async def until_published(self, end: int) -> None:
        """Wait until the first partition of the topic holds this many records."""
        while self.log.log_of(Partition(LEDGER_TOPIC, 0)).end < end:
            await self.log.wait_for_news(5)
