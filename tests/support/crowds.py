"""Many order keys in one ledger, each told the same story in an order of its own; and where each of them ends."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, zip_longest

from ledger_core.store.books import create_book
from ledger_core.store.connection import Role, connect
from tests.support.databases import TestDatabase, create_database, drop_database
from tests.support.interleavings import Delivery, Story, event_id, message
from tests.support.postings import CHART, Scene, Worker
from tests.support.read_side import ReadSide

BOOK = "crowd"
SAID = """
SELECT DISTINCT ON (s ->> 'event_id') s ->> 'event_id', type, s ->> 'code', position
FROM ledger.event, LATERAL (SELECT convert_from(state, 'UTF8')::jsonb AS s) AS said
WHERE order_key = ANY(%s) ORDER BY s ->> 'event_id', position DESC"""
BALANCES = """
SELECT event.order_key, account.code, sum(signed)::bigint
FROM ledger.event JOIN ledger.entry USING (book_id, position) JOIN ledger.account USING (book_id, account_id),
    LATERAL (SELECT CASE entry.side WHEN 'D' THEN amount_minor ELSE -amount_minor END AS signed) AS one
WHERE event.order_key = ANY(%s) GROUP BY 1, 2 HAVING sum(signed) <> 0"""
PAYMENT_COLUMNS = (
    "state", "execution", "authorised_minor", "captured_minor", "refunded_minor", "voided_minor", "disputed_minor",
    "commission_minor", "fees_minor",
)  # fmt: skip
PAYMENTS = f"SELECT order_key, {', '.join(PAYMENT_COLUMNS)} FROM projections.payment WHERE order_key = ANY(%s)"
PARTS = """
SELECT order_key, kind, replace(part_id, order_key, ''), state, amount_minor, fee_minor, refunded_minor
FROM projections.part WHERE order_key = ANY(%s)"""
ACCEPTED, PARKED = "accepted", "parked: "


@dataclass(slots=True)
class End:
    """Of one order key: the last word on each event by its place in the story, and where everything stands."""

    words: tuple[str, ...]
    """`accepted`, the code of a refusal, or that with `parked: ` before it."""
    decided: tuple[int, ...]
    """Where that stands in the log."""
    balances: dict[str, int] = field(default_factory=dict)
    """What its own entries add up to, by account."""
    payment: Mapping[str, object] = field(default_factory=dict)
    parts: set[tuple[object, ...]] = field(default_factory=set)


@dataclass
class Crowd:
    """Order keys are numbered; one worker posts them all."""

    scene: Scene
    worker: Worker
    read_side: ReadSide
    numbers: Iterator[int] = field(default_factory=count)

    def tell(self, story: Story, deliveries: Sequence[Delivery]) -> list[End]:
        """The first batches of all keys as one, then the second ones …"""
        keys = [f"{story[0].kind.partition('.')[0]}-{next(self.numbers)}" for _ in deliveries]
        for round_ in zip_longest(*(delivery.batches() for delivery in deliveries), fillvalue=()):
            sent = [message(story[n], key, BOOK) for key, batch in zip(keys, round_, strict=True) for n in batch]
            self.scene.topic.send(*sent)
            self.worker.work()
        asyncio.run(self._project())
        return self._ends(story, keys)

    async def _project(self) -> None:
        await self.read_side.relay_all()
        await self.read_side.project_all()

    def _ends(self, story: Story, keys: list[str]) -> list[End]:
        said = {name: (_word(kind, code), position) for name, kind, code, position in self.scene.rows(SAID, keys)}
        ends: dict[str, End] = {}
        for key in keys:
            words, decided = zip(*(said[event_id(one, key)] for one in story), strict=True)
            ends[key] = End(words, decided)
        for key, account, minor in self.scene.rows(BALANCES, keys):
            ends[key].balances[account] = minor
        for key, *row in self.scene.rows(PAYMENTS, keys):
            ends[key].payment = dict(zip(PAYMENT_COLUMNS, row, strict=True))
        for key, *row in self.scene.rows(PARTS, keys):
            ends[key].parts.add(tuple(row))
        return list(ends.values())


def _word(kind: str, code: str) -> str:
    if kind in ("voucher.posted", "fact.recorded"):
        return ACCEPTED
    return PARKED + code if kind == "event.parked" else code


@contextmanager
def crowds(postgres_server: str, **chart: object) -> Iterator[Crowd]:
    """A ledger with a book by the usual chart, but for these members, that must be whole after all of it."""
    database: TestDatabase = create_database(postgres_server)
    with Scene(database.dsn()) as scene:
        with connect(scene.dsn, Role.POSTER) as connection:
            create_book(connection, BOOK, {**CHART, **chart})
        read_side = ReadSide(database)
        asyncio.run(read_side.create_topic())
        yield Crowd(scene, scene.worker(0), read_side)
        scene.assert_whole()
    drop_database(database)
