"""Puts the processes of this package together: consumers, relay, projector, reconciler, signer …, or all in one.

`python -m consumers.bootstrap payments` is one process; settings come from LEDGER_… variables. Exit code 0
after SIGTERM or SIGINT, 1 when the work failed, 5 when the configuration does not let it start.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Final

import psycopg
import structlog

from consumers.decode import Decoder
from consumers.expiry import Expiry
from consumers.lag import report_lag
from consumers.logging import configure_logging, masked_text
from consumers.merchants import MerchantColumns, MerchantDecoder, MerchantPoster
from consumers.metrics import ConsumerMetrics, serve_metrics
from consumers.payments import PaymentsConsumer, PaymentsSettings
from consumers.process import labels_for, stop_on_signals, stop_with_parent, tune_collector, tune_threads
from consumers.projector import Projector
from consumers.reconciler import Reconciler
from consumers.relay import Relay
from consumers.replay import ReplaySource
from consumers.server_check import demand_safe_server
from consumers.settings import (
    AllInOneProcess,
    ConfigurationError,
    ExpiryProcess,
    MerchantsProcess,
    PaymentsProcess,
    ProcessSettings,
    ProjectorProcess,
    ReconcilerProcess,
    RelayProcess,
    ReplayableProcess,
    SignerProcess,
    WebhooksProcess,
    load_settings,
)
from consumers.signer import Signer, key_in
from consumers.transport.ports import Source
from consumers.transports import choose_transport
from consumers.webhooks.running import run_webhooks
from ledger_core.domain.charts import chart_from_document
from ledger_core.store.connection import Role, connect
from ledger_core.store.poster import Poster
from ledger_core.store.proof.notes import SigningKey
from schemas.charts import read_chart

log = structlog.get_logger(__name__)

EXIT_FAILED: Final = 1
EXIT_NOT_READY: Final = 5
ASSETS: Final = "SELECT code, asset_id FROM ledger.asset"


def read_assets(dsn: str) -> dict[str, int]:
    """The currencies that the database knows. Raises psycopg.errors.UndefinedTable before the first migration."""
    with connect(dsn, Role.POSTER) as connection:
        return dict(connection.execute(ASSETS).fetchall())


def database_decoder(dsn: str, *, expected_book: str | None = None) -> Decoder:
    """A decoder that knows the currencies of the database, and asks it again for one that it does not."""
    return Decoder(read_assets(dsn), expected_book=expected_book, read_assets=partial(read_assets, dsn))


def source_of(settings: ReplayableProcess, topic: str, group: str) -> Source:
    """The topic; from its beginning, under a name of its own, where the settings say so."""
    cursor = settings.replay_cursor
    source: Source = choose_transport(settings).source([topic], f"{group}-{cursor}" if cursor else group, Role.POSTER)
    return ReplaySource(source, cursor) if cursor else source


async def run_payments(settings: PaymentsProcess, metrics: ConsumerMetrics, stop: asyncio.Event) -> None:
    """The payments consumer, until `stop`."""
    dsn = settings.postgres_dsn.get_secret_value()
    decoder = await asyncio.to_thread(database_decoder, dsn)
    source = source_of(settings, settings.payments_topic, settings.payments_group)
    label = labels_for(settings.fault_kill_at)
    poster = Poster(dsn, decode=decoder.decode, label=label)
    await asyncio.to_thread(poster.open)
    limits = PaymentsSettings(
        batch_max_events=settings.batch_max_events,
        batch_max_ms=settings.batch_max_ms,
        reject_flood=settings.reject_flood,
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            reporter = tasks.create_task(report_lag(source, poster.positions, metrics, stop))
            await PaymentsConsumer(source, poster, decoder, limits, metrics, label).run(stop)
            reporter.cancel()
    finally:
        await asyncio.to_thread(poster.close)


async def run_relay(settings: RelayProcess, metrics: ConsumerMetrics, stop: asyncio.Event) -> None:
    """The relay, until `stop`."""
    sink = choose_transport(settings).sink("ledger-relay", Role.PROJECTOR)
    label = labels_for(settings.fault_kill_at)
    await Relay(projector_connection(settings), sink, settings.ledger_topic, labels=label, metrics=metrics).run(stop)


async def run_projector(settings: ProjectorProcess, metrics: ConsumerMetrics, stop: asyncio.Event) -> None:
    """The projector, until `stop`."""
    source = choose_transport(settings).source([settings.ledger_topic], settings.projector_group, Role.PROJECTOR)
    label = labels_for(settings.fault_kill_at)
    connections = projector_connection(settings)
    await Projector(source, connections, topic=settings.ledger_topic, labels=label, metrics=metrics).run(stop)


async def run_reconciler(settings: ReconcilerProcess, metrics: ConsumerMetrics, stop: asyncio.Event) -> None:
    """The reconciler, until `stop`."""
    connections = partial(connect, settings.postgres_dsn.get_secret_value(), Role.RECONCILER)
    interval_seconds = settings.reconciliation_interval_seconds
    await Reconciler(connections, interval_seconds=interval_seconds, metrics=metrics).run(stop)


async def run_expiry(settings: ExpiryProcess, _metrics: ConsumerMetrics, stop: asyncio.Event) -> None:
    """The scheduler of expiries, until `stop`."""
    dsn = settings.postgres_dsn.get_secret_value()
    await Expiry(lambda: connect(dsn, Role.POSTER)).run(stop)


async def run_signer(settings: SignerProcess, key: SigningKey, metrics: ConsumerMetrics, stop: asyncio.Event) -> None:
    """The signer of checkpoints, until `stop`."""
    dsn = settings.postgres_dsn.get_secret_value()
    interval_seconds = settings.signing_interval_seconds
    await Signer(partial(connect, dsn, Role.POSTER), key, interval_seconds=interval_seconds, metrics=metrics).run(stop)


async def run_merchants(settings: MerchantsProcess, metrics: ConsumerMetrics, stop: asyncio.Event) -> None:
    """The consumer of merchants' changes, until `stop`."""
    dsn = settings.postgres_dsn.get_secret_value()
    columns = MerchantColumns(
        settings.merchants_id_column, settings.merchants_status_column, settings.merchants_currencies_column,
        settings.merchants_book_prefix,
    )  # fmt: skip
    assets = await asyncio.to_thread(read_assets, dsn)
    decoder = MerchantDecoder(columns, assets, partial(read_assets, dsn))
    source = source_of(settings, settings.merchants_topic, settings.merchants_group)
    label = labels_for(settings.fault_kill_at)
    chart = chart_of_merchants(settings.merchants_chart)
    payments = await asyncio.to_thread(database_decoder, dsn)
    strays = Poster(dsn, decode=payments.decode)
    poster = MerchantPoster(dsn, decode=decoder.decode, chart=chart, strays=strays, label=label)
    await asyncio.to_thread(poster.open)
    try:
        limits = PaymentsSettings(heal_overdue_ms=None)  # what waits in other books, this decoder cannot read
        await PaymentsConsumer(source, poster, decoder, limits, metrics, label).run(stop)
    finally:
        await asyncio.to_thread(poster.close)


def chart_of_merchants(chosen: str) -> dict[str, object]:
    """The chart of the books that merchants get. Raises `ConfigurationError`."""
    try:
        document = read_chart(chosen)
        chart_from_document(document)
    except ValueError as error:
        raise ConfigurationError({"LEDGER_MERCHANTS_CHART": str(error)}) from None
    return document


def demand_topic(settings: MerchantsProcess) -> None:
    """Raises `ConfigurationError` where no topic of merchants is named."""
    if not settings.merchants_topic:
        raise ConfigurationError({"LEDGER_MERCHANTS_TOPIC": "name the topic of the merchants' table"})


async def run_all(
    settings: AllInOneProcess, key: SigningKey | None, metrics: ConsumerMetrics, stop: asyncio.Event
) -> None:
    """All of them, until `stop`; when one fails the others stop too, and its error comes out."""
    async with asyncio.TaskGroup() as tasks:
        for run in (run_payments, run_relay, run_projector, run_reconciler, run_expiry, run_webhooks):
            tasks.create_task(run(settings, metrics, stop))
        if key is not None:
            tasks.create_task(run_signer(settings, key, metrics, stop))
        if settings.merchants_topic:
            tasks.create_task(run_merchants(settings, metrics, stop))


def projector_connection(settings: ProcessSettings) -> Callable[[], psycopg.Connection]:
    """Opens connections as the projector's role."""
    dsn = settings.postgres_dsn.get_secret_value()
    return lambda: connect(dsn, Role.PROJECTOR)


Work = Callable[[ConsumerMetrics, asyncio.Event], Coroutine[object, object, None]]


def choose_work(name: str) -> tuple[ProcessSettings, Work]:
    """The settings of a process and its coroutine. Raises `ConfigurationError`, KeyError for another name."""
    match name:
        case "payments":
            payments = load_settings(PaymentsProcess)
            return payments, lambda metrics, stop: run_payments(payments, metrics, stop)
        case "relay":
            relay = load_settings(RelayProcess)
            return relay, lambda metrics, stop: run_relay(relay, metrics, stop)
        case "projector":
            projector = load_settings(ProjectorProcess)
            return projector, lambda metrics, stop: run_projector(projector, metrics, stop)
        case "reconciler":
            reconciler = load_settings(ReconcilerProcess)
            return reconciler, lambda metrics, stop: run_reconciler(reconciler, metrics, stop)
        case "expiry":
            expiry = load_settings(ExpiryProcess)
            return expiry, lambda metrics, stop: run_expiry(expiry, metrics, stop)
        case "signer":
            signer = load_settings(SignerProcess)
            key = key_in(signer.signing_key_file)
            return signer, lambda metrics, stop: run_signer(signer, key, metrics, stop)
        case "merchants":
            merchants = load_settings(MerchantsProcess)
            demand_topic(merchants)
            chart_of_merchants(merchants.merchants_chart)
            return merchants, lambda metrics, stop: run_merchants(merchants, metrics, stop)
        case "webhooks":
            webhooks = load_settings(WebhooksProcess)
            return webhooks, lambda metrics, stop: run_webhooks(webhooks, metrics, stop)
        case "all":
            every = load_settings(AllInOneProcess)
            own_key = key_in(every.signing_key_file) if every.signing_key_file else None
            return every, lambda metrics, stop: run_all(every, own_key, metrics, stop)
    raise KeyError(name)


PROCESSES: Final = (
    "payments", "relay", "projector", "reconciler", "expiry", "signer", "merchants", "webhooks", "all",
)  # fmt: skip


async def _run(name: str, settings: ProcessSettings, work: Work) -> None:
    stop = stop_on_signals()
    if settings.stop_with_parent:
        stop_with_parent(stop)
    metrics = ConsumerMetrics()
    server = None
    if settings.metrics_port is not None:
        server, _ = serve_metrics(metrics, settings.metrics_port)
        log.info("metrics.serving", port=server.server_port)
    tune_collector()
    tune_threads()
    log.info("process.started", process=name, broker=settings.broker)
    try:
        await work(metrics, stop)
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()
    log.info("process.stopped", process=name)


def run_process(name: str) -> int:
    """Runs one process to its end and says how it went, as an exit code."""
    try:
        settings, work = choose_work(name)
        configure_logging(settings.log_level)
        demand_safe_server(settings.postgres_dsn.get_secret_value(), allow_owner_login=settings.allow_owner_login)
    except ConfigurationError as error:
        print(f"CONFIGURATION_UNSAFE {masked_text(str(error))}", file=sys.stderr)  # noqa: T201 - no logs yet
        return EXIT_NOT_READY
    except psycopg.OperationalError as error:
        log.error("process.store_unavailable", detail=_first_line(error))
        return EXIT_NOT_READY
    try:
        asyncio.run(_run(name, settings, work))
    except Exception as error:
        for cause in _causes(error):
            log.error("process.failed", error=type(cause).__name__, detail=_first_line(cause), exc_info=cause)
        return EXIT_FAILED
    return 0


def _causes(error: BaseException) -> list[BaseException]:
    """What went wrong in each task of a group."""
    if isinstance(error, BaseExceptionGroup):
        return [cause for inner in error.exceptions for cause in _causes(inner)]
    return [error]


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


def main(arguments: Sequence[str]) -> int:
    """`python -m consumers.bootstrap` and the name of a process."""
    if len(arguments) != 1 or arguments[0] not in PROCESSES:
        print(f"usage: python -m consumers.bootstrap {'|'.join(PROCESSES)}", file=sys.stderr)  # noqa: T201
        return 2
    return run_process(arguments[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
