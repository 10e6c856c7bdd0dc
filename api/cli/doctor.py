"""`ledgerctl doctor`: is everything there that the ledger needs, and what to do about what isn't."""

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import psycopg
import typer
from rich.console import Console
from rich.text import Text

from api.cli.command import Json, State, state_of
from api.cli.errors import EXIT_FOUND_PROBLEMS, known_error, unexpected_error
from api.cli.lag import FOLLOWERS, PARTITIONS
from api.cli.output import table
from api.cli.stores import Store, open_store, stack_settings
from consumers.server_check import read_server, unsafe_settings
from deploy.local.errors import LocalServiceError
from deploy.local.java import find_java
from ledger_core.store.connection import Role
from schemas.sql.runner import status

FREE_BYTES_WANTED: Final = 2 * 1024**3
MAINTENANCE: Final = """
    SELECT coalesce(book.code, 'every book'), scope, mode, reason FROM ledger.maintenance
    LEFT JOIN ledger.book ON book.book_id = maintenance.book_id AND book.book_id > 0
    WHERE until_at IS NULL OR until_at > clock_timestamp()
    UNION ALL SELECT code, 'all', 'halted', 'its posting mode' FROM ledger.book WHERE posting_mode = 'halted'
    ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing looked at. `optional` ones may be missing without anything being wrong."""

    name: str
    ok: bool
    detail: str
    next_step: str = ""
    optional: bool = False


def doctor(context: typer.Context, _json: Json = False) -> None:
    """Look at the machine, the server, the schema and the pipeline. Exit 3 when something is wrong."""
    state = state_of(context)
    found = [*_machine(), *_ledger(state)]
    healthy = all(one.ok or one.optional for one in found)

    def render(console: Console) -> None:
        drawn = table("", "what", "")
        for one in found:
            mark = (
                Text("ok", style="green")
                if one.ok
                else Text("–" if one.optional else "NO", style="dim" if one.optional else "bold red")
            )
            text = Text(one.detail)
            if not one.ok and one.next_step:
                text.append(f"\n→ {one.next_step}", style="dim")
            drawn.add_row(mark, one.name, text)
        console.print(drawn)

    state.output.data({"ok": healthy, "checks": found}, render)
    if not healthy:
        raise typer.Exit(EXIT_FOUND_PROBLEMS)


def _machine() -> Iterator[Diagnosis]:
    yield Diagnosis("python", True, platform.python_version())
    folder = stack_settings().folder
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / 1024**3:.1f} GiB free for {folder}"
    yield Diagnosis("disk", free >= FREE_BYTES_WANTED, detail, "free some, or set LEDGER_HOME to another folder")
    yield _java()


def _java() -> Diagnosis:
    wanted_for = "only for a local Apache Kafka"
    try:
        java = find_java(os.environ)
    except LocalServiceError as error:
        return Diagnosis("java", False, f"{error} ({wanted_for})", "install Java 17 or later", optional=True)
    return Diagnosis("java", True, f"{java} ({wanted_for})", optional=True)


def _ledger(state: State) -> Iterator[Diagnosis]:
    """What can be asked of the ledger; the first thing that is not there ends it."""
    try:
        with open_store(state.database) as store:
            yield Diagnosis("postgres", True, f"database {store.database} can be reached")
            for look in (_server, _schema, _maintenance, _partitions, _read_models):
                yield from _safely(look, store)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the diagnosis
        trouble = known_error(error) or unexpected_error(error)
        yield Diagnosis("ledger", False, f"{trouble.code}: {trouble.message}", trouble.next_step)


def _safely(look: Callable[[Store], Iterator[Diagnosis]], store: Store) -> Iterator[Diagnosis]:
    try:
        yield from look(store)
    except psycopg.errors.InsufficientPrivilege:
        yield Diagnosis(look.__name__.strip("_"), False, "this login may not look", "ask as the owner", optional=True)


def _server(store: Store) -> Iterator[Diagnosis]:
    with psycopg.connect(store.dsn) as connection:
        facts = read_server(connection)
    problems = unsafe_settings(facts, allow_owner_login=True)
    detail = "; ".join(f"{key} {problem}" for key, problem in problems.items())
    yield Diagnosis(
        "durability", not problems, detail or "fsync, synchronous_commit and full_page_writes are on", detail
    )
    narrow = not (facts.superuser or facts.owner)
    text = f"logs in as {facts.login}" + ("" if narrow else ", which may change the schema")
    advice = "for processes give a login that is a member of ledger_poster and ledger_projector only"
    yield Diagnosis("login", narrow or store.local, text, advice, optional=True)
    yield Diagnosis("version", facts.version >= 15, f"PostgreSQL {facts.version}", "use PostgreSQL 15 or later")


def _schema(store: Store) -> Iterator[Diagnosis]:
    pending = [known.label for known in status(store.dsn) if known.applied_at is None]
    yield Diagnosis("schema", not pending, ", ".join(pending) or "every migration is applied", "run: ledgerctl migrate")


def _maintenance(store: Store) -> Iterator[Diagnosis]:
    with store.connect(Role.PROJECTOR) as connection:
        rows = connection.execute(MAINTENANCE).fetchall()
    said = "; ".join(f"{mode} of {scope} in {book}: {reason}" for book, scope, mode, reason in rows)
    yield Diagnosis("maintenance", not rows, said or "none", "see docs/how-to/maintenance.md", optional=True)


def _partitions(store: Store) -> Iterator[Diagnosis]:
    with store.connect(Role.PROJECTOR) as connection:
        rows = connection.execute(PARTITIONS).fetchall()
    stopped = [f"{topic}[{number}] {code}: {detail}" for topic, number, _, code, detail in rows if code]
    text = "; ".join(stopped) or f"{len(rows)} partitions, none stopped"
    yield Diagnosis("partitions", not stopped, text, "see docs/how-to/stopped-partition.md")


def _read_models(store: Store) -> Iterator[Diagnosis]:
    with store.connect(Role.PROJECTOR) as connection:
        rows = connection.execute(FOLLOWERS).fetchall()
    stopped = [f"{name} of {book}: {code}" for book, name, _, _, code in rows if code]
    behind = max((lag for _, _, _, lag, _ in rows), default=0)
    yield Diagnosis(
        "read models",
        not stopped,
        "; ".join(stopped) or f"at most {behind:,} positions behind",
        "run: ledgerctl projector rebuild",
    )
