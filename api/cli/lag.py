"""`ledgerctl lag`: how far the consumer, the relay and the read models are behind."""

import asyncio
from dataclasses import dataclass
from typing import Final, LiteralString

import typer
from pydantic import SecretStr
from rich.console import Console

from api.cli.command import Json, state_of
from api.cli.errors import EXIT_FOUND_PROBLEMS
from api.cli.output import table
from api.cli.stores import Store, open_store, stack_settings
from consumers.cursors import MARK
from consumers.settings import ProcessSettings
from consumers.transport.ports import Partition, TransportError
from consumers.transports import choose_transport
from deploy.local.kafka import LocalKafka
from ledger_core.store.connection import Role

PARTITIONS: Final[LiteralString] = """
    SELECT topic, partition, next_offset, stopped_code, stopped_detail FROM ledger.source_position
    WHERE topic NOT LIKE 'file:%'
    UNION ALL
    SELECT topic, partition, next_offset, stopped_code, stopped_detail FROM projections.source_position
    WHERE stopped_code <> ''
    ORDER BY topic, partition
"""
FOLLOWERS: Final[LiteralString] = """
    SELECT book.code, 'relay' AS name, checkpoint.position, book.position - checkpoint.position, ''
    FROM ledger.book JOIN ledger.relay_checkpoint AS checkpoint USING (book_id)
    UNION ALL
    SELECT book.code, progress.projection, progress.position, progress.lag_positions, progress.stopped_code
    FROM ledger.book JOIN projections.progress USING (book_id)
    ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """One partition of the payments topic. `end` and `lag` are None where the broker can't be asked."""

    topic: str
    partition: int
    next_offset: int
    end: int | None
    lag: int | None
    stopped: str


@dataclass(frozen=True, slots=True)
class FollowerLag:
    """The relay or a read model in one book."""

    book: str
    name: str
    position: int
    lag: int
    stopped: str


def lag(context: typer.Context, _json: Json = False) -> None:
    """Show how far everything is behind. Exit 3 when a partition or a read model has stopped."""
    state = state_of(context)
    with open_store(state.database, say=state.output.say) as store:
        partitions = read_partitions(store)
        with store.connect(Role.PROJECTOR) as connection:
            followers = [FollowerLag(*row) for row in connection.execute(FOLLOWERS).fetchall()]

    def render(console: Console) -> None:
        drawn = table("topic", "partition", "position", "end", "lag", "", right=("partition", "position", "end", "lag"))
        for one in partitions:
            numbers = (f"{one.next_offset:,}", _number(one.end), _number(one.lag))
            drawn.add_row(one.topic, str(one.partition), *numbers, one.stopped)
        console.print(drawn)
        drawn = table("book", "follower", "position", "lag", "", right=("position", "lag"))
        for follower in followers:
            row = (follower.book, follower.name, f"{follower.position:,}", f"{follower.lag:,}", follower.stopped)
            drawn.add_row(*row)
        console.print(drawn)

    state.output.data({"partitions": partitions, "followers": followers}, render)
    if any(one.stopped for one in partitions) or any(one.stopped for one in followers):
        raise typer.Exit(EXIT_FOUND_PROBLEMS)


def read_partitions(store: Store) -> list[PartitionLag]:
    """Every partition that was ever consumed, with the end of its log where the broker tells it."""
    with store.connect(Role.PROJECTOR) as connection:
        rows = connection.execute(PARTITIONS).fetchall()
    live = [Partition(row[0], row[1]) for row in rows if MARK not in row[0]]
    ends = asyncio.run(_read_ends(store, live)) if live else {}
    found = []
    for topic, partition, next_offset, code, detail in rows:
        end = ends.get(Partition(topic, partition))
        behind = max(0, end - next_offset) if end is not None else None
        found.append(PartitionLag(topic, partition, next_offset, end, behind, f"{code} {detail}".strip()))
    return found


async def _read_ends(store: Store, partitions: list[Partition]) -> dict[Partition, int]:
    transport = choose_transport(_settings(store))
    source = transport.source(sorted({partition.topic for partition in partitions}), "ledger-lag", Role.PROJECTOR)
    try:
        return await source.ends(partitions)
    except TransportError:
        return {}
    finally:
        await source.stop()


def _settings(store: Store) -> ProcessSettings:
    """Kafka where it is named or runs here, else the embedded log."""
    stack = stack_settings()
    bootstrap = stack.kafka_bootstrap or ""
    local = LocalKafka(stack.folder / "kafka")
    if not bootstrap and local.running:
        bootstrap = local.bootstrap_servers
    return ProcessSettings(
        postgres_dsn=SecretStr(store.dsn), broker="kafka" if bootstrap else "embedded", kafka_bootstrap=bootstrap
    )


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
