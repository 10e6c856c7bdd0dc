"""The library's errors: those that we handle by name, and all others as ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.errors import (
    ConsumerStoppedError,
    CorruptRecordException,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    UnsupportedCodecError,
    for_code,
)

from consumers.transport.ports import Partition, TransportUnavailable

__all__ = [
    "ConsumerStoppedError",
    "CorruptRecordException",
    "IllegalStateError",
    "KafkaError",
    "NoOffsetForPartitionError",
    "OffsetOutOfRangeError",
    "UnsupportedCodecError",
    "first_cause",
    "is_of_the_log",
    "lost_offsets",
    "raise_for_code",
    "translated",
]


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turns the library's errors, and a time that ran out, into `TransportUnavailable`."""
    try:
        yield
    except (KafkaError, TimeoutError, OSError) as error:
        raise TransportUnavailable(f"Kafka failed while {doing}: {type(error).__name__} {error}") from error


def raise_for_code(code: int, doing: str) -> None:
    """Raises `TransportUnavailable` for the broker's error code."""
    raise TransportUnavailable(f"Kafka refused {doing}: {for_code(code).__name__}")


def lost_offsets(error: OffsetOutOfRangeError) -> dict[Partition, int]:
    """Which positions the error is about."""
    (offsets,) = error.args
    return {Partition(*partition): offset for partition, offset in offsets.items()}


def is_of_the_log(failure: BaseException) -> bool:
    """Whether the brokers or the network are to blame for all of it; else it is a bug of ours."""
    if isinstance(failure, BaseExceptionGroup):
        return all(is_of_the_log(one) for one in failure.exceptions)
    return isinstance(failure, KafkaError | TimeoutError | OSError)


def first_cause(failure: BaseException) -> str:
    """The first failure of a group, in words."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return f"{type(failure).__name__} {failure}".rstrip()
