"""Workers that post from a topic held in memory into a real store: the posting transaction without a transport.

A test says which worker prepares and posts what, and at which labelled point one of them stands still.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from consumers.decode import Decoder
from consumers.transport.ports import StoredRecord
from deploy.demo.messages import Message, Producer
from ledger_core.operations.account_lifecycle import AccountLifecycle
from ledger_core.operations.charts import ChartCommands, ChartPlan
from ledger_core.store.batch import BatchResult, SourceAdvance
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role, connect
from ledger_core.store.items import Prepared
from ledger_core.store.positions import record_hash
from ledger_core.store.poster import Label, Poster, no_label
from schemas.charts import load_chart
from tests.invariants import assert_invariants

TOPIC = "payments"
BOOK = "shop"
TIME = "2026-11-21T08:46:53.000007Z"
PATIENCE_SECONDS = 20.0

CHART: dict[str, object] = {**load_chart(), "sources": [{"source": "*", "types": ["*"]}]}
"""The chart of a marketplace; accounts `vault:…` do not open on the fly, and everybody may send everything."""


# What is sent ------------------------------------------------------------------------------------------------


def event(kind: str, key: str, event_id: str, data: Mapping[str, object], **where: str) -> Message:
    producer = Producer(where.get("book", BOOK), where.get("source", "/psp"))
    return producer.event(kind, event_id, key, where.get("time", TIME), data)


def captured(
    order: str, amount: int = 100, *, event_id: str = "", to: str = "wallet:seller:1", currency: str = "EUR",
    payer: str = "", **where: str,
) -> Message:  # fmt: skip
    data: dict[str, object] = {
        "payment_id": order, "amount_minor": str(amount), "currency": currency, "method": "card",
        "beneficiaries": [{"account": to, "amount_minor": str(amount)}],
    }  # fmt: skip
    if payer:
        data["payer"] = payer
    return event("payment.captured.v1", order, event_id or f"captured-{order}", data, **where)


def unallocated(order: str, amount: int = 100, **where: str) -> Message:
    """A capture of which nobody gets anything: all of it stays in suspense."""
    data = {"payment_id": order, "amount_minor": str(amount), "currency": "EUR", "method": "card"}
    return event("payment.captured.v1", order, f"captured-{order}", data, **where)


def authorized(order: str, amount: int = 100, *, event_id: str = "", currency: str = "EUR", **where: str) -> Message:
    data = {"payment_id": order, "amount_minor": str(amount), "currency": currency, "method": "card"}
    return event("payment.authorized.v1", order, event_id or f"authorized-{order}", data, **where)


def refunded(
    order: str, amount: int = 100, *, event_id: str = "", of: str = "wallet:seller:1", currency: str = "EUR",
    **where: str,
) -> Message:  # fmt: skip
    name = event_id or f"refunded-{order}"
    data = {
        "payment_id": order, "refund_id": name, "amount_minor": str(amount), "currency": currency,
        "beneficiaries": [{"account": of, "amount_minor": str(amount)}],
    }  # fmt: skip
    return event("payment.refunded.v1", order, name, data, **where)


def voided(order: str, *, event_id: str = "", **where: str) -> Message:
    return event("payment.voided.v1", order, event_id or f"voided-{order}", {"payment_id": order}, **where)


def paid_out(
    payout: str, amount: int = 100, *, of: str = "wallet:seller:1", currency: str = "EUR", **where: str
) -> Message:
    data = {"payout_id": payout, "account": of, "amount_minor": str(amount), "currency": currency}
    return event("payout.paid.v1", payout, f"paid-out-{payout}", data, **where)


def void_requested(
    order: str, *, voucher_no: int = 0, of: str = "", of_source: str = "", event_id: str = "",
    in_open_period: bool = False, **where: str,
) -> Message:  # fmt: skip
    """By number, or by the event `of` which posted it."""
    voucher = {"voucher_no": str(voucher_no)} if voucher_no else {"event_id": of}
    if of_source:
        voucher["source"] = of_source
    data: dict[str, object] = {"voucher": voucher, "reason": "posted twice"}
    if in_open_period:
        data["in_open_period"] = True
    return event("voucher.void_requested.v1", order, event_id or f"void-{order}-{voucher_no}{of}", data, **where)


COMPENSATING = {"reason": "compensating", "reference": "case 7"}


def compensation(order: str, *, voucher_no: int = 0, of: str = "", event_id: str = "", **where: str) -> Message:
    """A voucher by hand that gives 5 to the seller for the one that it names."""
    voucher = {"voucher_no": str(voucher_no)} if voucher_no else {"event_id": of}
    data = {**by_hand(), "adjustment": COMPENSATING, "compensates": voucher}
    return event("voucher.requested.v1", order, event_id or f"compensation-{order}", data, **where)


def by_hand() -> dict[str, object]:
    """The data of a voucher by hand: 5 from the clearing account to a seller."""
    sides = (("clearing:processor:EUR", "debit"), ("wallet:seller:1", "credit"))
    return {
        "kind": "adjustment",
        "adjustment": {"reason": "correction", "reference": "case 7"},
        "lines": [
            {"account": account, "side": side, "amount_minor": "5", "currency": "EUR"} for account, side in sides
        ],
    }


def garbage(number: int = 0) -> Message:
    return Message(b"key", (), b"\xff not json %d" % number)


# Where it goes -----------------------------------------------------------------------------------------------


@dataclass
class Topic:
    """Partitions of records, and the offsets that no record has."""

    name: str = TOPIC
    records: dict[int, list[StoredRecord]] = field(default_factory=lambda: defaultdict(list))
    ends: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def send(self, *messages: Message, partition: int = 0) -> None:
        for message in messages:
            offset = self.ends[partition]
            self.records[partition].append(
                StoredRecord(self.name, partition, offset, 1_000 + offset, message.key, message.value, message.headers)
            )
            self.ends[partition] = offset + 1

    def leave_gap(self, offsets: int = 1, partition: int = 0) -> None:
        """As transaction markers and compaction do."""
        self.ends[partition] += offsets


class Worker:
    """A consumer without a loop: it remembers where it stands, as an assignment told it."""

    def __init__(self, dsn: str, topic: Topic, decoder: Decoder, label: Label = no_label) -> None:
        self.topic = topic
        self.decoder = decoder
        self.poster = Poster(dsn, decode=decoder.decode, label=label)
        self.stands: dict[int, tuple[int, int]] = {}

    def take(self, *partitions: int) -> Self:
        """Where the stored rows of these partitions stand."""
        found = self.poster.positions.find({(self.topic.name, partition): 0 for partition in partitions})
        for partition in partitions:
            row = found[self.topic.name, partition]
            self.stands[partition] = (row.incarnation, row.next_offset)
        return self

    def prepare(self, *partitions: int, limit: int = 1 << 60) -> Prepared:
        """All that stands in these partitions (or in all that were taken), up to `limit` records of each."""
        records, advances = [], []
        for partition in partitions or tuple(self.stands):
            incarnation, first = self.stands[partition]
            part = [record for record in self.topic.records[partition] if record.offset >= first][:limit]
            last = part[-1] if part else None
            end = last.offset + 1 if len(part) == limit and last else self.topic.ends[partition]
            self.stands[partition] = (incarnation, end)
            advances.append(
                SourceAdvance(
                    topic=self.topic.name, partition=partition, incarnation=incarnation, from_offset=first,
                    next_offset=end, last_offset=last.offset if last else -1,
                    last_timestamp_ms=last.timestamp if last else -1, last_hash=record_hash(last) if last else b"",
                    gaps=end - first - len(part),
                )
            )  # fmt: skip
            records += part
        return self.poster.prepare(self.decoder.decode_many(records), advances)

    def work(self, *partitions: int, limit: int = 1 << 60) -> BatchResult:
        return self.poster.post(self.prepare(*partitions, limit=limit))


class Gate:
    """A label at which a worker stands still until it is let through."""

    def __init__(self, at: str) -> None:
        self.at = at
        self.reached = threading.Event()
        self._open = threading.Event()

    def __call__(self, name: str) -> None:
        if name == self.at and not self._open.is_set():
            self.reached.set()
            assert self._open.wait(PATIENCE_SECONDS), f"nobody opened the gate at {self.at}"

    def wait(self) -> None:
        assert self.reached.wait(PATIENCE_SECONDS), f"nobody came to {self.at}"

    def open(self) -> None:
        self._open.set()


class Scene:
    """One database with one book, one topic, and the workers of a test. Use as a context manager."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.topic = Topic()
        self._stack = ExitStack()
        with connect(dsn, Role.POSTER) as connection:
            assets: dict[str, int] = dict(connection.execute("SELECT code, asset_id FROM ledger.asset").fetchall())
        self.decoder = Decoder(assets)
        self.create_book(BOOK)

    def __enter__(self) -> Self:
        self.threads = self._stack.enter_context(ThreadPoolExecutor(32))
        self._workers = self._stack.enter_context(ExitStack())
        self._admin = self._stack.enter_context(psycopg.connect(self.dsn, autocommit=True))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def create_book(self, code: str) -> None:
        self.create_books([code])

    def create_books(self, codes: Iterable[str]) -> None:
        with connect(self.dsn, Role.POSTER) as connection:
            for code in codes:
                create_book(connection, code, dict(CHART))

    def worker(self, *partitions: int, label: Label = no_label) -> Worker:
        """A worker that was just assigned these partitions."""
        worker = Worker(self.dsn, self.topic, self.decoder, label)
        worker.poster.open()
        self._workers.callback(worker.poster.close)
        return worker.take(*(partitions or (0,)))

    def post(self, *messages: Message, partition: int = 0) -> BatchResult:
        """Sends messages and posts them as one batch, by a worker that has just started."""
        self.topic.send(*messages, partition=partition)
        worker = Worker(self.dsn, self.topic, self.decoder)
        worker.poster.open()
        try:
            return worker.take(partition).work()
        finally:
            worker.poster.close()

    def start(self, call: Callable[..., BatchResult], *arguments: object) -> "Future[BatchResult]":
        """Runs in a thread of its own."""
        return self.threads.submit(call, *arguments)

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self._admin.execute(statement.encode(), parameters or None).fetchall()

    def one(self, statement: str, *parameters: object) -> Any:
        (row,) = self.rows(statement, *parameters)
        return row[0] if len(row) == 1 else row

    def change(self, statement: str, *parameters: object) -> None:
        self._admin.execute(statement.encode(), parameters or None)

    def tamper(self, statement: str) -> None:
        """A change that the database refuses everybody: its guards are asleep meanwhile."""
        with self._admin.transaction():
            self._admin.execute("SET LOCAL session_replication_role = replica")
            self.change(statement)

    @contextmanager
    def other_session(self) -> Iterator[psycopg.Connection]:
        """Another session's transaction, committed at the end of the block."""
        with psycopg.connect(self.dsn) as connection:
            yield connection

    def reconnect(self) -> None:
        """After the server was away."""
        self._admin.close()
        self._admin = self._stack.enter_context(psycopg.connect(self.dsn, autocommit=True))

    def until(self, statement: str, *parameters: object, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Polls until the statement's one value is true."""
        deadline = time.monotonic() + patience_seconds
        while not self.one(statement, *parameters):
            assert time.monotonic() < deadline, f"never true: {statement}"
            time.sleep(0.005)

    def until_waiting(self, sessions: int = 1) -> None:
        """Until this many sessions of the database wait for a lock."""
        self.until(
            """SELECT count(*) >= %s FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'""",
            sessions,
        )

    def set_for_new_sessions(self, name: str, value: str) -> None:
        database = sql.Identifier(self._admin.info.dbname)
        self._admin.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(database, sql.Identifier(name), sql.Literal(value))
        )

    def kill_idle_in_transaction(self) -> None:
        """Ends the sessions of workers that stand still inside their transaction, as a lost network does."""
        self.change(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND state = 'idle in transaction'"""
        )

    def deadlocks(self) -> int:
        """How often PostgreSQL had to break one (40P01). Sessions tell when they end, so all workers end first."""
        self._workers.close()
        self.until(
            """SELECT count(*) = 0 FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
        )
        self.change("SELECT pg_stat_force_next_flush()")
        self.change("SELECT pg_stat_clear_snapshot()")
        return int(self.one("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))

    def accounts(self, book: str = BOOK) -> AccountLifecycle:
        """The account commands of a book."""
        return AccountLifecycle(lambda: connect(self.dsn, Role.POSTER), book)

    def chart(self, book: str = BOOK) -> dict[str, Any]:
        """The chart in force."""
        return dict(ChartCommands(lambda: connect(self.dsn, Role.POSTER), book).show().document)

    def apply_chart(self, document: Mapping[str, object], book: str = BOOK) -> ChartPlan:
        """Puts another version of a book's chart in force."""
        return ChartCommands(lambda: connect(self.dsn, Role.POSTER), book).apply(document, reason="a test")

    def position(self, book: str = BOOK) -> int:
        return int(self.one("SELECT position FROM ledger.book WHERE code = %s", book))

    def vouchers(self, book: str = BOOK) -> int:
        return int(self.one("SELECT voucher_no FROM ledger.book WHERE code = %s", book))

    def balance_minor(self, code: str, book: str = BOOK) -> int:
        """Debits less credits."""
        return int(
            self.one(
                """SELECT coalesce(sum(debits_posted - credits_posted), 0)::bigint FROM ledger.account_head
                JOIN ledger.account USING (book_id, account_id) JOIN ledger.book USING (book_id)
                WHERE account.code = %s AND book.code = %s""",
                code,
                book,
            )
        )

    def counters(self, partition: int = 0) -> dict[str, int]:
        names = ("posted", "recorded", "replayed", "skipped", "rejected", "parked", "gaps")
        row = self.one(
            """SELECT posted, recorded, replayed, skipped, rejected, parked, gaps
            FROM ledger.source_position WHERE partition = %s""",
            partition,
        )
        return {name: count for name, count in zip(names, row, strict=True) if count}

    def log_of(self, book: str = BOOK) -> list[str]:
        """What stands in a book's log of upstream events: type, event id, code."""
        rows = self.rows(
            """SELECT type, s ->> 'event_id', s ->> 'code', s ->> 'revision' FROM (
                SELECT event.position, type, convert_from(state, 'UTF8')::jsonb AS s FROM ledger.event
                JOIN ledger.book USING (book_id) WHERE book.code = %s AND originator_id IS NULL) log
            WHERE type <> 'book.created' ORDER BY log.position""",
            book,
        )
        return [" ".join(str(part) for part in row if part is not None) for row in rows]

    def assert_whole(self) -> None:
        """Every invariant holds: each program finds nothing, and the log folded again is what the tables say."""
        assert_invariants(self.dsn)


def outcomes(result: BatchResult) -> list[str]:
    """Outcomes of a batch, or the code where one was refused; `-` where the fence dropped the partition."""
    return [
        "-" if decided is None else decided.code.value if decided.code else decided.outcome.value
        for decided in result.decided
    ]
