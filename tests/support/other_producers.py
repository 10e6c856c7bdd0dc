"""Other people's Kafka producers: what they send and ours never would."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from consumers.transport.ports import Partition


@asynccontextmanager
async def sending(bootstrap: str, compression: str | None = None) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that compresses in this way."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type=compression)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


class AnyBytes(str):
    """The name of a header, of one byte for each of its characters."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return super().encode("latin-1")


async def send_one_batch(
    producer: AIOKafkaProducer, partition: Partition, messages: Iterable[tuple[bytes, list[tuple[str, bytes]]]]
) -> None:
    """Values with their headers, in one batch; a name may be `AnyBytes`."""
    batch = producer.create_batch()
    # The library's builder in Python lets a name encode itself.
    codec = producer._message_accumulator._compression_type
    batch._builder = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, 0, 16_384)
    for value, headers in messages:
        assert batch.append(timestamp=None, key=None, value=value, headers=headers) is not None
    await (await producer.send_batch(batch, partition.topic, partition=partition.partition))
