"""Membership of a group of the embedded log: who lives, who may read which partition.

Each member beats at an interval. A beat is one short transaction under the group's row lock: it marks this
member as seen, removes those unseen for a session, and compares the claims with the fair share. A partition
changes hands in two steps, released by one member and claimed by another at its own next beat, so two live
members never hold one at the same time. A member whose session ran out learns it at its next beat; until then
the fence of the posting transaction keeps it from doing harm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, LiteralString, cast

from consumers.transport.ports import Partition
from consumers.transport.postgres_log.connection import Connection
from consumers.transport.postgres_log.topics import Topic, load_topics, partitions_of

INSERT_GROUP: Final[LiteralString] = """
    INSERT INTO transport.consumer_group (group_id) VALUES (%(group_id)s) ON CONFLICT DO NOTHING
"""

LOCK_GROUP: Final[LiteralString] = """
    SELECT 1 FROM transport.consumer_group WHERE group_id = %(group_id)s FOR NO KEY UPDATE
"""

TOUCH_MEMBER: Final[LiteralString] = """
    UPDATE transport.group_member SET seen_at = clock_timestamp()
     WHERE group_id = %(group_id)s AND member_no = %(member_no)s
    RETURNING member_no
"""

INSERT_MEMBER: Final[LiteralString] = """
    INSERT INTO transport.group_member (group_id, client_id, topics)
    VALUES (%(group_id)s, %(client_id)s, %(topics)s)
    RETURNING member_no
"""

EXPIRE_MEMBERS: Final[LiteralString] = """
    DELETE FROM transport.group_member
     WHERE group_id = %(group_id)s AND seen_at < clock_timestamp() - make_interval(secs => %(session_s)s)
"""

SELECT_MEMBERS: Final[LiteralString] = """
    SELECT member_no, topics FROM transport.group_member WHERE group_id = %(group_id)s ORDER BY member_no
"""

SELECT_CLAIMS: Final[LiteralString] = """
    SELECT t.name, c.partition, c.member_no
      FROM transport.group_claim AS c JOIN transport.topic AS t USING (topic_id)
     WHERE c.group_id = %(group_id)s
"""

INSERT_CLAIMS: Final[LiteralString] = """
    INSERT INTO transport.group_claim (group_id, topic_id, partition, member_no)
    SELECT %(group_id)s, c.topic_id, c.partition, %(member_no)s
      FROM unnest(%(topic_ids)s::bigint[], %(partitions)s::integer[]) AS c (topic_id, partition)
"""

DELETE_CLAIMS: Final[LiteralString] = """
    DELETE FROM transport.group_claim AS c
     USING unnest(%(topics)s::text[], %(partitions)s::integer[]) AS r (topic, partition)
      JOIN transport.topic AS t ON t.name = r.topic
     WHERE c.group_id = %(group_id)s AND c.member_no = %(member_no)s
       AND (c.topic_id, c.partition) = (t.topic_id, r.partition)
"""

DELETE_MEMBER: Final[LiteralString] = """
    DELETE FROM transport.group_member WHERE group_id = %(group_id)s AND member_no = %(member_no)s
"""


@dataclass(slots=True, frozen=True)
class Plan:
    """What one beat found out about this member's partitions."""

    lost: list[Partition]
    """Held by the consumer until now: another member's share, or no longer ours since the session ran out."""
    released: list[Partition]
    """Still claimed by us and another member's share: `release` them once the consumer was told."""
    gained: list[Partition]
    """Claimed for us, and not yet held by the consumer."""


def fair_share(
    members: Sequence[tuple[int, Sequence[str]]], topics: Mapping[str, Topic], member_no: int
) -> set[Partition]:
    """Partition n of a topic belongs to the n-th member that reads the topic, counted round."""
    share: set[Partition] = set()
    for partition in partitions_of(topics):
        takers = [number for number, names in members if partition.topic in names]
        if takers and takers[partition.partition % len(takers)] == member_no:
            share.add(partition)
    return share


@dataclass(slots=True)
class Membership:
    """One member. Every method runs on the connection's thread."""

    group_id: str
    client_id: str
    topics: Sequence[str]
    session_s: float
    member_no: int | None = field(default=None, init=False)

    def beat(self, connection: Connection, held: frozenset[Partition]) -> Plan:
        """Stays (or becomes) a member and claims what is free of this member's share."""
        with connection.transaction():
            connection.execute(INSERT_GROUP, {"group_id": self.group_id})
            connection.execute(LOCK_GROUP, {"group_id": self.group_id})
            member_no = self._touch(connection)
            connection.execute(EXPIRE_MEMBERS, {"group_id": self.group_id, "session_s": self.session_s})
            topics = load_topics(connection, self.topics)
            members = cast(
                "list[tuple[int, list[str]]]",
                connection.execute(SELECT_MEMBERS, {"group_id": self.group_id}).fetchall(),
            )
            share = fair_share(members, topics, member_no)
            owners = self._owners(connection)
            free = sorted(share - owners.keys())
            self._claim(connection, member_no, topics, free)
        self.member_no = member_no
        mine = {partition for partition, owner in owners.items() if owner == member_no}
        kept = mine & share & held
        # What was ours, fell free and is ours again may have been read by another: lost first, then gained.
        return Plan(
            lost=sorted(held - kept),
            released=sorted(mine - share),
            gained=sorted((mine & share | set(free)) - kept),
        )

    def release(self, connection: Connection, partitions: Sequence[Partition]) -> None:
        """Lets others claim these; called after the consumer was told."""
        connection.execute(
            DELETE_CLAIMS,
            {
                "group_id": self.group_id,
                "member_no": self.member_no,
                "topics": [partition.topic for partition in partitions],
                "partitions": [partition.partition for partition in partitions],
            },
        )

    def leave(self, connection: Connection) -> None:
        """Gives up the membership and every claim with it."""
        connection.execute(DELETE_MEMBER, {"group_id": self.group_id, "member_no": self.member_no})
        self.member_no = None

    def _touch(self, connection: Connection) -> int:
        row = None
        if self.member_no is not None:
            row = connection.execute(TOUCH_MEMBER, {"group_id": self.group_id, "member_no": self.member_no}).fetchone()
        if row is None:
            row = connection.execute(
                INSERT_MEMBER,
                {"group_id": self.group_id, "client_id": self.client_id, "topics": list(self.topics)},
            ).fetchone()
        return cast("tuple[int]", row)[0]

    def _owners(self, connection: Connection) -> dict[Partition, int]:
        rows = connection.execute(SELECT_CLAIMS, {"group_id": self.group_id}).fetchall()
        return {
            Partition(topic, partition): member_no
            for topic, partition, member_no in cast("list[tuple[str, int, int]]", rows)
        }

    def _claim(
        self, connection: Connection, member_no: int, topics: Mapping[str, Topic], gained: Sequence[Partition]
    ) -> None:
        if gained:
            connection.execute(
                INSERT_CLAIMS,
                {
                    "group_id": self.group_id,
                    "member_no": member_no,
                    "topic_ids": [topics[partition.topic].topic_id for partition in gained],
                    "partitions": [partition.partition for partition in gained],
                },
            )
