"""How partitions are shared between the members of a group of the embedded log."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.transport.ports import Partition
from consumers.transport.postgres_log.group import fair_share
from consumers.transport.postgres_log.topics import Topic, partitions_of

MEMBERS = st.lists(
    st.tuples(st.integers(1, 50), st.sampled_from([["a"], ["b"], ["a", "b"]])),
    min_size=1,
    max_size=6,
    unique_by=lambda member: member[0],
)


@given(MEMBERS, st.integers(1, 12), st.integers(1, 12))
def test_each_partition_has_exactly_one_owner_who_reads_its_topic(
    members: list[tuple[int, list[str]]], count_a: int, count_b: int
) -> None:
    topics = {"a": Topic(1, count_a), "b": Topic(2, count_b)}
    owners: dict[Partition, list[int]] = {partition: [] for partition in partitions_of(topics)}
    for member_no, names in members:
        for partition in fair_share(members, topics, member_no):
            assert partition.topic in names
            owners[partition].append(member_no)
    for partition, found in owners.items():
        readers = [number for number, names in members if partition.topic in names]
        assert len(found) == min(1, len(readers))


@given(MEMBERS, st.integers(1, 24))
def test_members_that_read_the_same_topic_differ_by_one_partition_at_most(
    members: list[tuple[int, list[str]]], count: int
) -> None:
    topics = {"a": Topic(1, count)}
    shares = [len(fair_share(members, topics, number)) for number, names in members if "a" in names]
    assert not shares or max(shares) - min(shares) <= 1


def test_a_member_that_left_has_no_share() -> None:
    assert fair_share([(1, ["a"])], {"a": Topic(1, 4)}, 2) == set()
