"""The contract of `TopicAdmin`, over every adapter."""

import pytest

from consumers.transport.admin import TopicMismatch
from tests.contract.transport.harness import Consumer, Running, Transport, messages, read

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]


async def test_topics_are_created_once_and_usable_at_once(running: Running, transport: Transport, topic: str) -> None:
    admin = transport.admin()
    assert await admin.ensure_topics({topic: 3, f"{topic}.two": 1}) == [topic, f"{topic}.two"]
    assert await admin.ensure_topics({topic: 3}) == []
    listed = await admin.list_topics()
    assert (listed[topic], listed[f"{topic}.two"]) == (3, 1)
    await (await running.sink()).send(messages(topic, 5))
    await running.close_admin(admin)


async def test_another_number_of_partitions_is_refused(running: Running, transport: Transport, topic: str) -> None:
    admin = transport.admin()
    await admin.ensure_topics({topic: 3})
    with pytest.raises(TopicMismatch) as caught:
        await admin.ensure_topics({topic: 4})
    assert (caught.value.topic, caught.value.found, caught.value.wanted) == (topic, 3, 4)
    await running.close_admin(admin)


async def test_a_deleted_topic_is_gone_with_its_records(running: Running, transport: Transport, topic: str) -> None:
    admin = transport.admin()
    await admin.ensure_topics({topic: 1})
    await (await running.sink()).send(messages(topic, 5))
    await admin.delete_topic(topic)
    await admin.delete_topic(topic)
    assert topic not in await admin.list_topics()
    await admin.ensure_topics({topic: 1})
    source = await running.start(transport.source([topic]), Consumer())
    assert set((await source.ends(await source.partitions())).values()) == {0}
    await (await running.sink()).send(messages(topic, 2))
    assert [record.offset for record in await read(source, 2)] == [0, 1]
    await running.close_admin(admin)
