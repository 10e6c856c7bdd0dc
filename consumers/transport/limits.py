"""The size of a message as every adapter counts it, and the refusal of one that is too large."""

from collections.abc import Sequence

from consumers.transport.ports import MessageTooLarge, Outgoing

# What a broker takes by default (message.max.bytes), less what it adds around a batch of one record.
MAX_MESSAGE_BYTES = 1_048_576 - 512
# Lengths and deltas around one record and one header in Kafka's format, at their largest.
RECORD_OVERHEAD_BYTES = 21
HEADER_OVERHEAD_BYTES = 10


def size_bytes(message: Outgoing) -> int:
    """Upper bound of the bytes that this message takes in the log."""
    size = RECORD_OVERHEAD_BYTES + len(message.key or b"") + len(message.value or b"")
    for name, value in message.headers:
        # A name's characters take up to four bytes each; only its bound is needed.
        size += HEADER_OVERHEAD_BYTES + 4 * len(name) + len(value)
    return size


def refuse_too_large(messages: Sequence[Outgoing], max_message_bytes: int) -> None:
    """Raises `MessageTooLarge` for the first message that the log would refuse."""
    for index, message in enumerate(messages):
        size = size_bytes(message)
        if size > max_message_bytes:
            raise MessageTooLarge(index, size)
