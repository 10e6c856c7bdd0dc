"""Puts prepared messages on the payments topic, as a producer would."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Final

from consumers.transport.ports import Outgoing
from consumers.transports import Transport
from deploy.demo.messages import Message
from ledger_core.store.connection import Role

SEND_AT_ONCE: Final = 5_000


async def create_topics(transport: Transport, partitions_by_topic: Mapping[str, int]) -> None:
    """Creates what is missing; topics that are there keep their number of partitions."""
    async with transport.admin() as admin:
        there = await admin.list_topics()
        missing = {topic: count for topic, count in partitions_by_topic.items() if topic not in there}
        await admin.ensure_topics(missing)


async def delete_topics(transport: Transport, topics: Iterable[str]) -> None:
    """Removes topics with all their records."""
    async with transport.admin() as admin:
        for topic in topics:
            await admin.delete_topic(topic)


async def produce(transport: Transport, topic: str, messages: Iterable[Message], show: Callable[[int], None]) -> int:
    """Sends everything, in order per key, and returns how many that were; `show` is told as it goes on."""
    sink = transport.sink("ledger-demo-producer", Role.POSTER)
    waiting = iter(messages)
    sent = 0
    await sink.start()
    try:
        while chunk := [Outgoing(topic, one.key, one.value, one.headers) for one in islice(waiting, SEND_AT_ONCE)]:
            await sink.send(chunk)
            sent += len(chunk)
            show(sent)
    finally:
        await sink.stop()
    return sent
