"""One ledger for many short stories: each has a book of its own, and one worker posts them all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from deploy.demo.messages import Message
from ledger_core.store.batch import BatchResult
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role, connect
from projections.reconciliation import scan
from tests.support.databases import create_database, drop_database
from tests.support.postings import CHART, Scene, Worker, outcomes


@dataclass
class StoryBooks:
    """Books are numbered; messages are sent to the book of their story, whatever book they name."""

    scene: Scene
    worker: Worker
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def new(self, **chart: object) -> str:
        """A book whose chart has these members instead of the usual ones."""
        book = f"story-{next(self.numbers)}"
        with connect(self.scene.dsn, Role.POSTER) as connection:
            create_book(connection, book, {**CHART, **chart})
        return book

    def post(self, book: str, *messages: Message) -> BatchResult:
        """As one batch."""
        self.scene.topic.send(*(into(book, message) for message in messages))
        return self.worker.work()

    def play(self, book: str, *messages: Message, one_by_one: bool) -> list[str]:
        """The last word on each message: its outcome, or its code."""
        results = [self.post(book, message) for message in messages] if one_by_one else [self.post(book, *messages)]
        words = [word for result in results for word in outcomes(result)]
        names = [dict(message.headers)["ce_id"].decode() for message in messages]
        last = {event.event_id: one.outcome.value for result in results for event, one in result.healed}
        return [last.get(name, word) for name, word in zip(names, words, strict=True)]

    def balances_minor(self, book: str, accounts: Mapping[str, int]) -> dict[str, int]:
        """Debits less credits of these accounts."""
        return {account: self.scene.balance_minor(account, book) for account in accounts}

    def scan(self, book: str) -> int:
        """Looks for findings in the whole of a book; returns its number, by which they are kept."""
        ((book_id,),) = self.scene.rows("SELECT book_id FROM ledger.book WHERE code = %s", book)
        with connect(self.scene.dsn, Role.RECONCILER) as connection:
            assert scan(connection, book_id).complete
        return int(book_id)


def into(book: str, message: Message) -> Message:
    headers = [(name, book.encode() if name == "ce_ledgerbook" else value) for name, value in message.headers]
    return message._replace(headers=tuple(headers))


@contextmanager
def story_books(postgres_server: str) -> Iterator[StoryBooks]:
    """A ledger that must be whole after all its stories."""
    database = create_database(postgres_server)
    with Scene(database.dsn()) as scene:
        yield StoryBooks(scene, scene.worker(0))
        scene.assert_whole()
    drop_database(database)
