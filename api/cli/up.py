"""`ledgerctl up`: the whole stack stays up, with the query API, until Ctrl-C; its data stay for the next time."""

import asyncio
import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import structlog
import typer
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr
from rich.console import Console

from api.cli.command import Json, State, state_of
from api.cli.demo import BrokerChoice
from api.cli.errors import CliError
from api.cli.healing import heal
from api.cli.output import Output, program
from api.cli.stack.feed import create_topics
from api.cli.stack.inbox import read_inbox_settings, served_inbox
from api.cli.stack.workers import Workers, environment_of
from api.cli.stores import Store, main_database_dsn, stack_settings
from api.query.bootstrap import ApiStartError, serving
from api.query.settings import QuerySettings
from consumers.settings import AllInOneProcess, Broker, ProcessSettings, load_settings
from consumers.signer import key_in
from consumers.transports import choose_transport
from deploy.local.processes import port_is_free
from deploy.local.stack import StackSettings, ensure_database, resolve_kafka, resolve_postgres, revive_postgres
from ledger_core.domain.incoming import SYSTEM_BOOK
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role
from schemas.charts import load_chart
from schemas.sql.runner import migrate

PARTITIONS: Final = 4
FIRST_BOOK: Final = "main"
USUAL_PORT: Final = 8080
CHECK_SECONDS: Final = 0.5
BOOKS: Final = "SELECT code FROM ledger.book_directory WHERE book_id > 0 ORDER BY code"


def up(
    context: typer.Context,
    broker: BrokerChoice = "embedded",
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Port of the API; 8080, or a free one if that is taken.")
    ] = None,
    _json: Json = False,
) -> None:
    """Keep PostgreSQL, consumers, reconciliation and the query API running until Ctrl-C. Data are kept."""
    state = state_of(context)
    settings = stack_settings()
    process, query = _read_settings(settings, broker, port)
    inbox = read_inbox_settings()
    with ExitStack() as stack:
        stopping = stack.enter_context(_stop_on_signals())
        store = _open_store(state, settings, stack)
        found = {"postgres_dsn": SecretStr(store.dsn)}
        bootstrap = stack.enter_context(resolve_kafka(settings)) if broker == "kafka" else ""
        process = process.model_copy(update={**found, "kafka_bootstrap": bootstrap})
        asyncio.run(create_topics(choose_transport(process), _topics(process)))
        log_folder = settings.folder / "logs" / "up"
        workers = stack.enter_context(Workers(_names(process), environment_of(process), log_folder))
        url = stack.enter_context(_api(query.model_copy(update=found)))
        inbox_url = stack.enter_context(served_inbox(inbox.model_copy(update=found)))
        _announce(state.output, url, inbox_url, store, process, log_folder)
        while not stopping.wait(CHECK_SECONDS):
            if revive_postgres(settings):
                state.output.say("PostgreSQL had died: it runs again")
            workers.check()
        state.output.say("stopping; the data stay")


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; the handlers before are put back."""
    stopping = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _open_store(state: State, settings: StackSettings, stack: ExitStack) -> Store:
    state.output.say("starting PostgreSQL …")
    server_dsn = stack.enter_context(resolve_postgres(settings))
    local = settings.postgres_dsn is None
    dsn = main_database_dsn(server_dsn, local=local)
    if state.database is not None:
        dsn = make_conninfo(server_dsn, dbname=state.database)
    store = Store(dsn, local)
    if store.database:
        ensure_database(server_dsn, store.database)
    migrate(store.dsn)
    with store.connect(Role.POSTER) as connection, connection.transaction():
        is_first = not connection.execute(BOOKS).fetchall()
        if is_first:
            create_book(connection, FIRST_BOOK, load_chart())
    if is_first:
        heal(store, SYSTEM_BOOK, f"book:{FIRST_BOOK}")
    return store


def _read_settings(settings: StackSettings, broker: Broker, port: int | None) -> tuple[AllInOneProcess, QuerySettings]:
    """What the processes and the API are told, before any server starts: where the store and the brokers are is not
    known yet. Raises ConfigurationError, which names what cannot be used."""
    unknown = SecretStr("")
    process = load_settings(
        AllInOneProcess,
        postgres_dsn=unknown,
        allow_owner_login=True,  # whoever may migrate logs in as an owner; each process acts as its own role
        broker=broker,
        kafka_bootstrap="to be started" if broker == "kafka" else "",
    )
    if process.signing_key_file is not None:
        key_in(process.signing_key_file)
    query = load_settings(QuerySettings, postgres_dsn=unknown, **({} if port is None else {"api_port": port}))
    usual: dict[str, object] = {}
    if "api_port" not in query.model_fields_set:
        usual["api_port"] = USUAL_PORT if port_is_free(USUAL_PORT) else 0
    if query.api_cursor_key_file is None:
        usual["api_cursor_key_file"] = settings.folder / "cursor.key"
    return process, query.model_copy(update=usual)


def _names(process: AllInOneProcess) -> tuple[str, ...]:
    """The processes: one for everything, or one for each task where they share the work over Kafka."""
    if process.broker == "embedded":
        return ("all",)
    signer = ("signer",) if process.signing_key_file is not None else ()
    merchants = ("merchants",) if process.merchants_topic else ()
    return ("payments", "relay", "projector", "reconciler", "expiry", "webhooks", *signer, *merchants)


def _topics(process: AllInOneProcess) -> dict[str, int]:
    """What there must be, with how many partitions; of the merchants' table one, as Debezium makes it."""
    shared = (process.payments_topic, process.ledger_topic, process.webhooks_topic)
    merchants = {process.merchants_topic: 1} if process.merchants_topic else {}
    return {**dict.fromkeys(shared, PARTITIONS), **merchants}


@contextmanager
def _api(query: QuerySettings) -> Iterator[str]:
    quiet = structlog.wrap_logger(
        structlog.PrintLogger(),
        processors=[structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
    )
    try:
        with serving(query, log=quiet) as url:
            yield url
    except ApiStartError as error:
        raise CliError("API_NOT_STARTED", str(error), "choose another port with --port") from error


def _announce(
    output: Output, url: str, inbox_url: str | None, store: Store, process: ProcessSettings, log_folder: Path
) -> None:
    with store.connect(Role.POSTER) as connection:
        books = [row[0] for row in connection.execute(BOOKS)]
    wire = {
        "url": url, "webhooks": inbox_url, "broker": process.broker, "kafka_bootstrap": process.kafka_bootstrap or None,
        "payments_topic": process.payments_topic, "database": store.database, "books": books, "logs": str(log_folder),
    }  # fmt: skip

    def render(console: Console) -> None:
        console.print(f"The ledger is up: {url}")
        console.print(f"  books      {', '.join(books)}")
        console.print(f"  API        {url}/docs   {url}/v1/books   {url}/healthz")
        if inbox_url is not None:
            console.print(f"  webhooks   {inbox_url}/webhooks/v1/…")
        if process.broker == "kafka":
            console.print(f"  Kafka      {process.kafka_bootstrap}, topic {process.payments_topic}")
        console.print(f"  feed it    {program()} ingest FILE.ndjson --book {books[0]}")
        console.print(f"  logs       {log_folder}")
        console.print("Ctrl-C stops it; the data stay.")

    output.data(wire, render)
