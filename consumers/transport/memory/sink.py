"""Writing to a log in memory."""

from collections.abc import Sequence

from consumers.transport.limits import refuse_too_large
from consumers.transport.memory.log import MemoryLog
from consumers.transport.partitioner import Partitioner
from consumers.transport.ports import Outgoing, SendFailed, TopicMissing


class MemorySink:
    """A `Sink` over a `MemoryLog`."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self._partitioner = Partitioner()

    async def start(self) -> None:
        self._log.require_available()

    async def stop(self) -> None:
        return

    async def send(self, messages: Sequence[Outgoing]) -> None:
        self._log.require_available()
        counts = await self._log.list_topics()
        for message in messages:
            if message.topic not in counts:
                raise TopicMissing(message.topic)
        refuse_too_large(messages, self._log.max_message_bytes)
        groups = self._partitioner.distribute(messages, counts)
        faults = self._log.faults
        copies = 2 if faults.send_twice else 1
        room, faults.send_fails_after, faults.send_twice = faults.send_fails_after, None, False
        for _ in range(copies):
            for partition, group in groups.items():
                kept = group if room is None else group[:room]
                room = None if room is None else room - len(kept)
                self._log.append(partition, kept)
        if room is not None:
            raise SendFailed("the log in memory was told to fail this send")
        if faults.send_lost_acknowledgement:
            faults.send_lost_acknowledgement = False
            raise SendFailed("the log in memory was told to lose this acknowledgement")
