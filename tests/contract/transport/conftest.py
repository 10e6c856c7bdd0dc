"""The transports that the contract suite runs over."""

import uuid
from collections.abc import AsyncIterator

import pytest

from tests.contract.transport.harness import (
    KafkaTransport,
    MemoryTransport,
    PostgresTransport,
    Running,
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


@pytest.fixture
async def running(transport: Transport, anyio_backend: str) -> AsyncIterator[Running]:
    """Whatever the test starts is stopped after it."""
    one = Running(transport)
    async with one.stack:
        yield one
