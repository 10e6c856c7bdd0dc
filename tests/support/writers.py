"""Many writers at once: each posts a stream of its own, in some batches, from a partition of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

from deploy.demo.messages import Message
from tests.support.postings import Scene, outcomes

WRITERS: Final = 16
BATCHES: Final = 4


def work_all(scene: Scene, streams: Sequence[Sequence[Message]]) -> "list[Future[list[str]]]":
    """Starts a writer for each stream, which posts it in some batches; their results are codes."""

    def work(partition: int, stream: Sequence[Message]) -> Callable[[], list[str]]:
        scene.topic.send(*stream, partition=partition)
        worker = scene.worker(partition)
        size = -(-len(stream) // BATCHES)
        return lambda: [code for _ in range(BATCHES) for code in outcomes(worker.work(limit=size))]

    writers = [work(partition, stream) for partition, stream in enumerate(streams)]
    return [scene.threads.submit(writer) for writer in writers]
