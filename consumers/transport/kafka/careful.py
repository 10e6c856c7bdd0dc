"""Reading a partition by a request of our own, for records that the library's consumer stumbles over.

The library decodes the names of headers strictly, and one that is not UTF-8 fails the whole fetch, of every partition
and without saying where. Here such a name keeps its bytes as lone surrogates, and the decoder refuses its record. What
can't be read at all, read this second time, is one partition's matter.
"""

from collections.abc import Iterator
from typing import SupportsIndex, cast, overload

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import (
    LeaderNotAvailableError,
    OffsetOutOfRangeError,
    UnsupportedCodecError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy

from consumers.transport.kafka.protocols import ConsumerClient
from consumers.transport.ports import Partition, PartitionUnreadable, Record, Slice

CODEC_UNSUPPORTED = "CODEC_UNSUPPORTED"
SOURCE_CORRUPT = "SOURCE_CORRUPT"

ABORTED_BEFORE_PREFERRED = 11
"""From this version of the answer on, the replica to read from follows the list of aborted transactions."""


async def read_carefully(
    consumer: ConsumerClient, partition: Partition, offset: int, *, max_records: int, max_bytes: int
) -> Slice:
    """Up to `max_records` committed records from `offset` on, of one answer of the broker; moves nobody's position.

    Raises `PartitionUnreadable` when the first of them can't be read, and the library's errors.
    """
    data, aborted = await _ask(consumer, partition, offset, max_bytes)
    found = PartitionRecords(
        partition, _Batches(data), aborted, offset, None, None, check_crcs=True, isolation_level=READ_COMMITTED
    )
    records: list[Record] = []
    try:
        for record in cast("Iterator[Record]", found):
            records.append(record)
            if len(records) == max_records:
                break
    except UnsupportedCodecError as error:
        if found.next_fetch_offset == offset:
            raise PartitionUnreadable(partition, offset, CODEC_UNSUPPORTED, str(error)) from error
    except Exception as error:  # whatever bytes that are not what was written make of a decoder
        if found.next_fetch_offset == offset:
            detail = f"{type(error).__name__} {error}".rstrip()
            raise PartitionUnreadable(partition, offset, SOURCE_CORRUPT, detail) from error
    return Slice(records, found.next_fetch_offset)


async def _ask(
    consumer: ConsumerClient, partition: Partition, offset: int, max_bytes: int
) -> tuple[bytes, list[tuple[int, int]] | None]:
    """Batches as they are stored, and the transactions among them that were aborted."""
    client = cast("AIOKafkaConsumer", consumer)._client  # noqa: SLF001 - there is no public way
    leader = client.cluster.leader_for_partition(partition)
    if leader is None or leader == -1:
        raise LeaderNotAvailableError(partition)
    wanted = [(partition.topic, [(partition.partition, offset, max_bytes)])]
    answer = await client.send(leader, FetchRequest(0, 0, max_bytes, READ_COMMITTED, wanted))
    ((_, ((_, error_code, _, *rest),)),) = answer.topics
    if error_code:
        error = for_code(error_code)
        raise error({partition: offset}) if error is OffsetOutOfRangeError else error(partition)
    aborted = rest[2] if answer.API_VERSION >= ABORTED_BEFORE_PREFERRED else rest[-2]
    return rest[-1] or b"", aborted


class _Batches:
    """The batches of an answer, as the library's `PartitionRecords` takes them."""

    def __init__(self, data: bytes) -> None:
        self._records = _MemoryRecordsPy(data)

    def has_next(self) -> bool:
        return self._records.has_next()

    def next_batch(self) -> object:
        stored = self._records._next_slice  # noqa: SLF001 - its own batches decode strictly
        batch = self._records.next_batch()
        if stored is None or not isinstance(batch, DefaultRecordBatch):
            return batch  # of a format without headers
        return _LenientBatch(stored)


class _LenientBatch:
    """One batch by the library's reader in Python, which is told to decode leniently."""

    def __init__(self, stored: memoryview) -> None:
        self._batch = _DefaultRecordBatchPy(stored)

    def __getattr__(self, name: str) -> object:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[object]:
        for _ in range(self._batch._num_records):  # noqa: SLF001 - as above
            yield next(self)

    def __next__(self) -> object:
        buffer = iter(self._batch)._buffer  # noqa: SLF001 - decompressed by now
        if not isinstance(buffer, _LenientBytes):
            self._batch._buffer = _LenientBytes(buffer)  # noqa: SLF001 - as above
        return next(self._batch)


class _LenientBytes(bytearray):
    """Bytes that decode to text whatever they are."""

    @overload
    def __getitem__(self, item: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, item: slice) -> bytearray: ...
    def __getitem__(self, item: SupportsIndex | slice) -> int | bytearray:
        found = super().__getitem__(item)
        return _LenientBytes(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:  # noqa: ARG002 - never strictly
        return super().decode(encoding, "surrogateescape")
