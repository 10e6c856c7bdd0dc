"""The transports that the contract suite runs over."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from consumers.transport.ports import Sink, Source
from tests.contract.transport.harness import (
    Consumer,
    KafkaTransport,
    MemoryTransport,
    PostgresTransport,
    Transport,
)


@pytest.fixture
def anyio_backend() -> str:
    """All of our asynchronous code runs on asyncio."""
    return "asyncio"


@pytest.fixture(
    params=[
        "memory",
        pytest.param("postgres_log", marks=pytest.mark.postgres),
        pytest.param("kafka", marks=pytest.mark.kafka),
    ]
)
def transport(request: pytest.FixtureRequest) -> Transport:
    """Each of the adapters in turn."""
    if request.param == "kafka":
        return KafkaTransport(request.getfixturevalue("kafka_bootstrap"))
    if request.param == "postgres_log":
        return PostgresTransport(request.getfixturevalue("database"))
    return MemoryTransport()


@pytest.fixture
def topic() -> str:
    """A name that no other test uses."""
    return f"contract.{uuid.uuid4().hex[:12]}"


class Running:
    """Starts sources and sinks and stops them at the end of the test."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.stack = AsyncExitStack()

    async def create(self, topic: str, partitions: int = 1) -> None:
        admin = self.transport.admin()
        await admin.ensure_topics({topic: partitions})
        await self.close_admin(admin)

    async def close_admin(self, admin: object) -> None:
        close: Callable[[], Awaitable[None]] | None = getattr(admin, "close", None)
        if close is not None:
            await close()

    async def sink(self) -> Sink:
        sink = self.transport.sink()
        self.stack.push_async_callback(sink.stop)
        await sink.start()
        return sink

    async def start(self, source: Source, consumer: Consumer) -> Source:
        self.stack.push_async_callback(source.stop)
        await source.start(consumer)
        return source

    async def read_all(self, topic: str, starts: Consumer | None = None) -> Source:
        """A started source over all partitions of the topic, from their beginnings."""
        return await self.start(self.transport.source([topic]), starts or Consumer())


@pytest.fixture
async def running(transport: Transport, anyio_backend: str) -> AsyncIterator[Running]:
    """Whatever the test starts is stopped after it."""
    one = Running(transport)
    async with one.stack:
        yield one
