"""One run of the demo: a fresh database and fresh topics, events in, everything proven at the end."""

import asyncio
import fcntl
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, LiteralString
from uuid import uuid4

import psycopg
from pydantic import SecretStr

from api.cli.books import read_chart
from api.cli.errors import CliError
from api.cli.reconcile import scan_books
from api.cli.stack.feed import create_topics, delete_topics, produce
from api.cli.stack.watch import Progress, Times, wait_until_through
from api.cli.stack.workers import Workers, environment_of
from api.cli.stores import DEMO_DATABASE, Store, running_postgres, stack_settings
from consumers.settings import LEDGER_TOPIC, PAYMENTS_TOPIC, Broker, ProcessSettings
from consumers.transports import choose_transport
from deploy.demo import marketplace, olist
from deploy.demo.messages import Message
from deploy.local.kafka import LocalKafka
from deploy.local.places import make_folder
from deploy.local.stack import StackSettings, drop_database, ensure_database, resolve_kafka
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role
from ledger_core.store.verify import VerifyReport, verify
from schemas.sql.runner import migrate

PARTITIONS: Final = 4
REPLAY_CURSOR: Final = "replay-1"

OUTCOMES: Final[LiteralString] = """
    SELECT coalesce(sum(posted), 0)::bigint, coalesce(sum(recorded), 0)::bigint, coalesce(sum(replayed), 0)::bigint,
           coalesce(sum(skipped), 0)::bigint, coalesce(sum(rejected), 0)::bigint, coalesce(sum(parked), 0)::bigint
    FROM ledger.source_position WHERE topic = %s
"""
VOUCHERS: Final[LiteralString] = "SELECT sum(voucher_no)::bigint FROM ledger.book"
ENTRIES: Final[LiteralString] = "SELECT count(*) FROM ledger.entry"
HEALED: Final[LiteralString] = "SELECT count(*) FROM ledger.inbox WHERE revision > 1"
CODES: Final[LiteralString] = (
    "SELECT outcome, code, count(*) FROM ledger.dead_letter GROUP BY outcome, code ORDER BY count(*) DESC, code"
)
TRIAL_BALANCE: Final[LiteralString] = """
    SELECT asset.code, (sum(debits_posted) - sum(credits_posted))::text
    FROM ledger.account_head JOIN ledger.asset USING (asset_id) GROUP BY asset.code ORDER BY asset.code
"""
CAPTURED: Final[LiteralString] = """
    SELECT currency, sum(captured_minor)::text FROM projections.payment GROUP BY currency ORDER BY currency
"""
FINDINGS: Final[LiteralString] = """
    SELECT code, count(*) FROM reconciliation.finding WHERE state = 'OPEN' GROUP BY code ORDER BY code
"""
# What orders were paid more (or less) than their beneficiaries were given.
SUSPENSE: Final[LiteralString] = """
    SELECT asset.code, sum(CASE side WHEN 'C' THEN amount_minor ELSE -amount_minor END)::text
    FROM reconciliation.finding JOIN ledger.asset USING (asset_id)
    WHERE state = 'OPEN' AND finding.code = 'ORDER_SUSPENSE_NOT_ZERO' GROUP BY asset.code ORDER BY asset.code
"""
OUTCOME_NAMES: Final = ("posted", "recorded", "replayed", "skipped", "rejected", "parked")


@dataclass(frozen=True, slots=True)
class Input:
    """What is fed in: events of one book, and what its files say of themselves."""

    book: str
    messages: Callable[[], Iterable[Message]]
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the caller shows while it runs."""

    stage: Callable[[str], None]
    produced: Callable[[int], None]
    progress: Callable[[Progress, int], None]
    verified: Callable[[int, int], None]


@dataclass(slots=True)
class Result:
    """What happened, in the words of the report. `seconds`: from first event read to last projection."""

    book: str
    broker: str
    postgres: str
    database: str
    events: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    codes: list[tuple[str, str, int]] = field(default_factory=list)
    healed: int = 0
    vouchers: int = 0
    entries: int = 0
    trial_balance: dict[str, int] = field(default_factory=dict)
    captured_minor: dict[str, int] = field(default_factory=dict)
    findings: int = 0
    findings_by_code: dict[str, int] = field(default_factory=dict)
    suspense_minor: dict[str, int] = field(default_factory=dict)
    verify: VerifyReport | None = None
    seconds: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    replay: dict[str, int] | None = None
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Everything adds up: outcomes, trial balance, every check."""
        adds_up = sum(self.outcomes.values()) == self.events
        balanced = not any(self.trial_balance.values())
        only_replayed = self.replay is None or self.replay["replayed"] == self.events == sum(self.replay.values())
        return adds_up and balanced and only_replayed and self.verify is not None and self.verify.ok


def marketplace_month(seed: int, orders: int | None) -> Input:
    """A month from our own generator."""
    count = marketplace.DEFAULT_ORDERS if orders is None else orders
    return Input(marketplace.BOOK, lambda: marketplace.generate_month(seed, count))


def olist_files(directory: Path, orders: int | None) -> Input:
    """The public Olist files, or the first `orders` of them."""
    try:
        chosen = olist.read_orders(directory)[:orders]
    except OSError as error:
        text = f"the Olist files can't be read: {error.strerror or error}"
        raise CliError(
            "INPUT_MISSING", text, "give the folder with olist_orders_full.csv[.xz] and its siblings"
        ) from error
    said = olist.totals(chosen)
    facts = {
        "orders": said.orders, "payments": said.payments, "orders_without_payment": said.orders_without_payment,
        "captured_minor_in_files": said.captured_minor,
    }  # fmt: skip
    return Input(olist.BOOK, lambda: olist.events_of(chosen), facts)


def run_demo(given: Input, broker: Broker, hooks: Hooks, *, replay: bool = False) -> Result:
    """The whole run. The database stays for whoever wants to look further; its topics on your own Kafka do not."""
    settings = stack_settings()
    result = Result(given.book, broker, "", DEMO_DATABASE, facts=given.facts)
    with ExitStack() as stack:
        stack.enter_context(_only_demo(settings.folder))
        with _timed(result, "start"):
            hooks.stage("starting PostgreSQL")
            server_dsn = stack.enter_context(running_postgres(settings))
            store = _fresh_store(server_dsn, given.book, local=settings.postgres_dsn is None)
            if broker == "kafka":
                hooks.stage("starting Apache Kafka")
            process = _process_settings(store, broker, stack, settings)
        transport = choose_transport(process)
        asyncio.run(create_topics(transport, {process.payments_topic: PARTITIONS, process.ledger_topic: PARTITIONS}))
        if process.payments_topic != PAYMENTS_TOPIC:
            topics = (process.payments_topic, process.ledger_topic)
            stack.callback(lambda: asyncio.run(delete_topics(transport, topics)))
        with _timed(result, "produce"):
            hooks.stage("producing events")
            result.events = asyncio.run(produce(transport, process.payments_topic, given.messages(), hooks.produced))
        _run_pipeline(result, store, process, settings.folder, hooks)
        if replay:
            _replay(result, store, process, settings.folder, hooks)
        _prove(result, store, process.payments_topic, hooks)
    return result


@contextmanager
def _only_demo(folder: Path) -> Iterator[None]:
    """Demos share a database: a second one at the same time would take it away from the first."""
    make_folder(folder)
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CliError("DEMO_RUNNING", "another demo is running here", "wait until it has ended") from error
        yield


def _fresh_store(server_dsn: str, book: str, *, local: bool) -> Store:
    drop_database(server_dsn, DEMO_DATABASE)
    store = Store(ensure_database(server_dsn, DEMO_DATABASE), local)
    migrate(store.dsn)
    with store.connect(Role.POSTER) as connection, connection.transaction():
        create_book(connection, book, read_chart(None))
    return store


def _process_settings(store: Store, broker: Broker, stack: ExitStack, settings: StackSettings) -> ProcessSettings:
    """Settings of the consumers. On a cluster of yours the demo's topics have names of their own, and go with it."""
    suffix, bootstrap = "", ""
    if broker == "kafka":
        if settings.kafka_bootstrap is None and settings.kafka == "local":
            bootstrap = stack.enter_context(_fresh_kafka(settings.folder / "kafka-demo")).bootstrap_servers
        else:
            bootstrap = stack.enter_context(resolve_kafka(settings))
            suffix = f".demo-{uuid4().hex[:8]}"
    return ProcessSettings(
        postgres_dsn=SecretStr(store.dsn),
        allow_owner_login=True,  # whoever may create databases logs in as an owner; each process acts as its own role
        broker=broker,
        kafka_bootstrap=bootstrap,
        payments_topic=PAYMENTS_TOPIC + suffix,
        ledger_topic=LEDGER_TOPIC + suffix,
    )


@contextmanager
def _fresh_kafka(folder: Path) -> Iterator[LocalKafka]:
    broker = LocalKafka(folder)
    if broker.running:
        broker.stop()
    shutil.rmtree(folder, ignore_errors=True)
    with broker:
        yield broker


def _run_pipeline(result: Result, store: Store, process: ProcessSettings, folder: Path, hooks: Hooks) -> None:
    # With the embedded log PostgreSQL does most of the work: one process leaves it the other core.
    names = ("all",) if process.broker == "embedded" else ("payments", "relay", "projector")
    hooks.stage("posting, relaying, projecting")
    with Workers(names, environment_of(process), folder / "logs" / "demo") as workers:
        times: Times = wait_until_through(
            store,
            process.payments_topic,
            result.events,
            check=workers.check,
            show=lambda progress: hooks.progress(progress, result.events),
        )
    result.seconds = times.projected
    result.stages |= {"post": times.consumed, "relay": times.relayed, "project": times.projected}


def _replay(result: Result, store: Store, process: ProcessSettings, folder: Path, hooks: Hooks) -> None:
    """The same topic once more from its beginning, under a cursor of its own: nothing may be posted."""
    hooks.stage("replaying the whole topic")
    cursor_topic = f"{process.payments_topic}#{REPLAY_CURSOR}"
    settings = {**environment_of(process), "LEDGER_REPLAY_CURSOR": REPLAY_CURSOR}
    with _timed(result, "replay"), Workers(("payments",), settings, folder / "logs" / "demo-replay") as workers:
        wait_until_through(
            store,
            cursor_topic,
            result.events,
            check=workers.check,
            show=lambda progress: hooks.progress(progress, result.events),
        )
    with store.connect(Role.PROJECTOR) as connection:
        result.replay = _outcomes(connection, cursor_topic)


def _prove(result: Result, store: Store, topic: str, hooks: Hooks) -> None:
    with _timed(result, "reconcile"):
        hooks.stage("reconciling")
        scan_books(store)
    with _timed(result, "verify"):
        hooks.stage("verifying")
        result.verify = verify(store.dsn, progress=hooks.verified)
    with store.connect(Role.PROJECTOR) as connection:
        result.postgres = connection.execute("SHOW server_version").fetchall()[0][0]
        result.outcomes = _outcomes(connection, topic)
        result.vouchers = connection.execute(VOUCHERS).fetchall()[0][0]
        result.entries = connection.execute(ENTRIES).fetchall()[0][0]
        result.healed = connection.execute(HEALED).fetchall()[0][0]
        result.codes = [(str(row[0]), str(row[1]), int(row[2])) for row in connection.execute(CODES)]
        result.trial_balance = {str(row[0]): int(row[1]) for row in connection.execute(TRIAL_BALANCE)}
        result.captured_minor = {str(row[0]): int(row[1]) for row in connection.execute(CAPTURED) if row[0]}
    with store.connect(Role.RECONCILER) as connection:
        result.findings_by_code = {str(row[0]): int(row[1]) for row in connection.execute(FINDINGS)}
        result.suspense_minor = {str(row[0]): int(row[1]) for row in connection.execute(SUSPENSE)}
    result.findings = sum(result.findings_by_code.values())


def _outcomes(connection: psycopg.Connection, topic: str) -> dict[str, int]:
    row = connection.execute(OUTCOMES, (topic,)).fetchall()[0]
    return dict(zip(OUTCOME_NAMES, row, strict=True))


@contextmanager
def _timed(result: Result, name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    result.stages[name] = time.monotonic() - began
