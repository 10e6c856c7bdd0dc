"""A consumer group in memory: who its members are and how partitions move between them."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from consumers.transport.ports import Partition


class Member(Protocol):
    """What a group needs of a source."""

    @property
    def topics(self) -> Sequence[str]: ...

    def partitions_of(self, topic: str) -> list[Partition]: ...

    async def give_up_all_but(self, target: Sequence[Partition]) -> None: ...

    async def take(self, target: Sequence[Partition]) -> None: ...


class Group:
    """The members of one group and how the partitions are shared between them."""

    def __init__(self) -> None:
        self._members: list[Member] = []
        self._lock = asyncio.Lock()

    async def join(self, member: Member) -> None:
        async with self._lock:
            self._members.append(member)
            await self._rebalance()

    async def leave(self, member: Member) -> None:
        async with self._lock:
            if member in self._members:
                self._members.remove(member)
                await self._rebalance()

    async def _rebalance(self) -> None:
        """Whoever loses a partition is told before whoever gains it."""
        targets: list[list[Partition]] = [[] for _ in self._members]
        topics = sorted({topic for member in self._members for topic in member.topics})
        for topic in topics:
            takers = [index for index, member in enumerate(self._members) if topic in member.topics]
            for partition in self._members[takers[0]].partitions_of(topic):
                targets[takers[partition.partition % len(takers)]].append(partition)
        for member, target in zip(self._members, targets, strict=True):
            await member.give_up_all_but(target)
        for member, target in zip(self._members, targets, strict=True):
            await member.take(target)
