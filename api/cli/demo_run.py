"""One run of the demo: a fresh database and fresh topics, events in, everything proven at the end."""

import asyncio
import fcntl
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

from pydantic import SecretStr

from api.cli.demo_database import fresh_demo_database
from api.cli.demo_result import Result, read_books, read_outcomes
from api.cli.errors import CliError
from api.cli.reconcile import scan_books
from api.cli.stack.feed import create_topics, delete_topics, produce
from api.cli.stack.watch import Progress, Times, wait_until_through
from api.cli.stack.workers import Workers, environment_of
from api.cli.stores import DEMO_DATABASE, Store, stack_settings
from consumers.settings import LEDGER_TOPIC, PAYMENTS_TOPIC, Broker, ProcessSettings
from consumers.transports import choose_transport
from deploy.demo import marketplace, olist
from deploy.demo.messages import Message
from deploy.local.kafka import LocalKafka
from deploy.local.places import make_folder
from deploy.local.stack import StackSettings, resolve_kafka, resolve_postgres
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role
from ledger_core.store.verify import verify
from schemas.charts import load_chart
from schemas.sql.runner import migrate

PARTITIONS: Final = 4
REPLAY_CURSOR: Final = "replay-1"


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


def marketplace_month(seed: int, orders: int | None) -> Input:
    """A month from our own generator."""
    count = marketplace.DEFAULT_ORDERS if orders is None else orders
    return Input(marketplace.BOOK, lambda: marketplace.generate_month(seed, count))


def olist_files(directory: Path, orders: int | None, *, in_steps: bool = False) -> Input:
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
    return Input(olist.BOOK, lambda: olist.events_of(chosen, in_steps=in_steps), facts)


def run_demo(given: Input, broker: Broker, hooks: Hooks, *, replay: bool = False) -> Result:
    """The whole run. The database stays for whoever wants to look further; its topics on your own Kafka do not."""
    settings = stack_settings()
    result = Result(given.book, broker, "", DEMO_DATABASE, facts=given.facts)
    with ExitStack() as stack:
        stack.enter_context(_only_demo(settings.folder))
        with _timed(result, "start"):
            hooks.stage("starting PostgreSQL")
            server_dsn = stack.enter_context(resolve_postgres(settings))
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
    store = Store(fresh_demo_database(server_dsn, ours=local), local)
    migrate(store.dsn)
    with store.connect(Role.POSTER) as connection, connection.transaction():
        create_book(connection, book, load_chart())
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
    # Reconciled at the end, once.
    environment = {**environment_of(process), "LEDGER_RECONCILIATION_INTERVAL_SECONDS": "86400"}
    with Workers(names, environment, folder / "logs" / "demo") as workers:
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
        result.replay = read_outcomes(connection, cursor_topic)


def _prove(result: Result, store: Store, topic: str, hooks: Hooks) -> None:
    with _timed(result, "reconcile"):
        hooks.stage("reconciling")
        scan_books(store)
    with _timed(result, "verify"):
        hooks.stage("verifying")
        result.verify = verify(store.dsn, progress=hooks.verified)
    read_books(result, store, topic)


@contextmanager
def _timed(result: Result, name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    result.stages[name] = time.monotonic() - began
