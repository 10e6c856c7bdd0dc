"""What both imports do once they know how to read their file: look, say what would be done, do it, say what became."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from rich.console import Console
from rich.text import Text

from api.cli.command import State
from api.cli.errors import CliError
from api.cli.ingest import ingesting
from api.cli.output import details, table
from api.cli.posting import said
from api.cli.stores import Store, open_store
from api.cli.verify import shown_progress
from consumers.files import IngestRaced, LineOutcome
from consumers.imports.model import Fault, ImportFaultsError
from consumers.imports.plan import EVENT_TYPE, Plan
from consumers.imports.run import (
    SourceNotAllowedError,
    Standing,
    find_book,
    look_up,
    note,
    open_what_is_missing,
    post,
    summary,
)
from ledger_core.domain.outcomes import Outcome
from ledger_core.domain.sources import INGEST_TOPIC
from ledger_core.store.books import Book
from ledger_core.store.connection import Role

SHOWN_EVERY = 100
SHOWN_FAULTS = 50

Planner = Callable[[Sequence[str], psycopg.Connection, Book], Plan]
"""Makes a plan of the file's lines, for a book. Raises `ImportFaultsError`."""


@dataclass(frozen=True, slots=True)
class Import:
    """What was asked for. `source` is what the events will call themselves."""

    book: str
    file: Path
    source: str
    reason: str
    apply: bool


def run_import(state: State, wanted: Import, planner: Planner) -> None:
    """One import. Raises `CliError`."""
    said(wanted.reason)
    content = _read(wanted.file)
    with (
        open_store(state.database, book=wanted.book, say=state.output.say) as store,
        store.connect(Role.POSTER) as connection,
        _faults_shown(state, wanted.file),
    ):
        book = _book(connection, wanted)
        plan = planner(_lines(wanted.file, content), connection, book)
        standing = look_up(connection, plan, book)
        result: dict[str, object] = {"book": wanted.book, "applied": wanted.apply, **summary(plan, standing)}
        if not wanted.apply:
            state.output.data(result, lambda console: _draw(console, result))
            state.output.say("a dry run: nothing was written; --apply does it")
            return
        outcomes = _Applied(state, store, connection, plan, standing).run(book, content, wanted.reason)
    _report(state, result, outcomes)


def _book(connection: psycopg.Connection, wanted: Import) -> Book:
    try:
        return find_book(connection, wanted.book, source=wanted.source)
    except SourceNotAllowedError as error:
        row = f'{{"source": "{wanted.source}", "types": ["{EVENT_TYPE}"], "through": "ingest"}}'
        step = f"add {row} to the sources of its chart, with: ledgerctl chart apply {wanted.book} FILE"
        raise CliError("SOURCE_NOT_ALLOWED", str(error), step) from error


@dataclass(frozen=True, slots=True)
class _Applied:
    """The import as it is done. One that was interrupted is completed by the next."""

    state: State
    store: Store
    connection: psycopg.Connection
    plan: Plan
    standing: Standing

    def run(self, book: Book, content: bytes, reason: str) -> list[LineOutcome]:
        topic = f"{INGEST_TOPIC}{hashlib.sha256(content).hexdigest()}"
        note(self._transaction, self.plan, self.standing, book, topic, reason)
        with shown_progress(self.state.output, "opening accounts") as progress:
            open_what_is_missing(self._transaction, self.plan, self.standing, reason, progress)
        outcomes: list[LineOutcome] = []
        with (
            ingesting(self.store, self.plan.book) as work,
            shown_progress(self.state.output, "posting") as progress,
        ):
            try:
                for outcome in post(work, self.plan, topic, time.time_ns() // 1_000_000):
                    outcomes.append(outcome)
                    if len(outcomes) % SHOWN_EVERY == 0:
                        progress(len(outcomes), len(self.plan.requests))
            except IngestRaced as error:
                step = "wait for it, then try again: nothing is posted twice"
                raise CliError("INGEST_RACED", str(error), step) from error
        return outcomes

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection]:
        with self.connection.transaction():
            yield self.connection


def _report(state: State, result: dict[str, object], outcomes: Sequence[LineOutcome]) -> None:
    refused = [outcome for outcome in outcomes if (outcome.original or outcome.outcome) is not Outcome.POSTED]
    counts = Counter(outcome.outcome.value for outcome in outcomes)
    result |= {"outcomes": dict(counts), "not_posted": refused}
    state.output.data(result, lambda console: _draw(console, result, refused))
    if refused:
        text = f"{len(refused):,} of {len(outcomes):,} vouchers did not post"
        raise CliError("IMPORT_INCOMPLETE", text, "put right what their codes say; a repeat posts nothing twice")


@contextmanager
def _faults_shown(state: State, file: Path) -> Iterator[None]:
    """Every bad line on stdout, then the error."""
    try:
        yield
    except ImportFaultsError as refused:
        faults = refused.faults
        shown = [{"line": fault.line, "text": fault.text} for fault in faults]
        state.output.data({"file": str(file), "faults": shown}, lambda console: _draw_faults(console, faults))
        more = f" (and {len(faults) - 1:,} more)" if len(faults) > 1 else ""
        text = f"nothing was imported: {file}, line {faults[0].line}: {faults[0].text}{more}"
        raise CliError(refused.code, text, "see docs/how-to/import.md") from refused


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        text = f"{file} can't be read: {error.strerror or error}"
        raise CliError("FILE_UNREADABLE", text, "give a file that is there") from error


def _lines(file: Path, content: bytes) -> list[str]:
    """Numbered as editors number them: only a line feed ends a line."""
    try:
        return content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CliError("FILE_UNREADABLE", f"{file}, line {line} is not UTF-8", "convert it, then try again") from error


def _draw(console: Console, result: Mapping[str, object], refused: Sequence[LineOutcome] = ()) -> None:
    console.print(
        details({name.replace("_", " "): _shown(value) for name, value in result.items() if name != "not_posted"})
    )
    for outcome in refused[:SHOWN_FAULTS]:
        became = outcome.original or outcome.outcome
        place = f"line {outcome.line}: {became.value} {outcome.code}: {outcome.detail}"
        console.print(Text(place, style="red"))
    if len(refused) > SHOWN_FAULTS:
        console.print(f"and {len(refused) - SHOWN_FAULTS:,} more")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value[:SHOWN_FAULTS])) or "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {number}" for name, number in value.items()) or "–"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _draw_faults(console: Console, faults: Sequence[Fault]) -> None:
    drawn = table("line", "", right=("line",))
    for fault in faults[:SHOWN_FAULTS]:
        drawn.add_row(str(fault.line), Text(fault.text))
    console.print(drawn)
    if len(faults) > SHOWN_FAULTS:
        console.print(f"and {len(faults) - SHOWN_FAULTS:,} more")
