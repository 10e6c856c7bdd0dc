"""A stream of events into a book of its own by one worker, batch by batch, and what the store says came of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from deploy.demo.messages import Message
from tests.support.postings import Scene, Worker

OUTCOMES = """
SELECT DISTINCT ON (inbox.source_id, inbox.event_id) inbox.event_id, CASE
    WHEN event.type = 'voucher.posted' THEN 'POSTED'
    WHEN event.type LIKE 'event.%%' THEN coalesce((
        SELECT member.state_of ->> 'code' FROM (
            SELECT convert_from(other.state, 'UTF8')::jsonb AS state_of FROM ledger.event AS other
            WHERE other.book_id = event.book_id AND other.position BETWEEN event.position AND event.position + 2
        ) AS member
        WHERE member.state_of ->> 'event_id' = inbox.event_id AND member.state_of ->> 'code' <> 'GROUP_MEMBER_REFUSED'
        LIMIT 1), convert_from(event.state, 'UTF8')::jsonb ->> 'code')
    ELSE 'RECORDED' END
FROM ledger.inbox JOIN ledger.block USING (book_id, batch_id) JOIN ledger.book USING (book_id)
JOIN ledger.event ON event.book_id = inbox.book_id AND event.position = first_position + ordinal
WHERE book.code = %s AND inbox.event_id NOT LIKE '%%#%%'
ORDER BY inbox.source_id, inbox.event_id, revision DESC"""
"""Groups have three members at most."""


@dataclass
class Stream:
    """Events pile up in `batch` until they are sent."""

    scene: Scene
    worker: Worker
    book: str
    batch: list[Message] = field(default_factory=list, kw_only=True)

    def send(self, *, exact: bool = False) -> None:
        """Posts what has piled up as one batch; `exact`: one by one, though it could be decided over columns."""
        if self.batch:
            self.scene.topic.send(*self.batch)
            if exact:
                self.worker.poster._exact = 8
            self.worker.work()
            self.batch = []

    def outcomes(self) -> dict[str, str]:
        """By event id: what its highest revision says; of a group, the code of the member at fault."""
        return dict(self.rows(OUTCOMES))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Of a query that asks for this book by its code."""
        return self.scene.rows(statement, self.book)


AnyStream = TypeVar("AnyStream", bound=Stream)


@contextmanager
def streams(dsn: str, kind: Callable[[Scene, Worker, str], AnyStream]) -> Iterator[Callable[[], AnyStream]]:
    """Begins streams in new books. What stands in the database at the end is checked as after any test of postings."""
    numbers = count()
    with Scene(dsn) as scene:
        worker = scene.worker(0)
        yield lambda: kind(scene, worker, f"b{next(numbers)}")
        scene.assert_whole()
