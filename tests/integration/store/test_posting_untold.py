"""A batch of nothing but replays writes to no book: whether it was committed, its own transaction says."""

import psycopg
import pytest

from tests.support.postings import Scene, captured, outcomes

pytestmark = pytest.mark.postgres

LOST_AT = {
    "it was committed": ("after_commit", False, [["REPLAYED"]]),
    "it was committed, and its partition has moved on": ("after_commit", True, [["REPLAYED"]]),
    "it was rolled back": ("before_commit", False, []),
    "it was rolled back, and another worker has consumed the same": ("before_commit", True, []),
}
"""Where the connection broke, whether another worker works on before anybody asks, and what is told then."""


@pytest.mark.parametrize("what", LOST_AT)
def test_replays_are_told_once_by_whoever_committed_them(scene: Scene, what: str) -> None:
    label, others_go_on, told = LOST_AT[what]

    def lose(name: str) -> None:
        if name == label:
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    scene.post(captured("o-1"))
    scene.topic.send(captured("o-1"))
    worker = scene.worker(label=lose)
    with pytest.raises(psycopg.OperationalError):
        worker.work()
    if others_go_on:
        if label == "after_commit":
            scene.topic.send(captured("o-2"))
        scene.worker().work()
    assert [outcomes(result) for _, result in worker.poster.settle()] == told
    assert worker.poster.settle() == []
