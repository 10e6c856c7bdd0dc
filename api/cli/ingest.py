"""`ledgerctl ingest`: events from a file, through the consumer's own path."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from api.cli.command import Json, state_of
from api.cli.errors import CliError
from api.cli.healing import decided
from api.cli.output import Output, to_json
from api.cli.stores import Store, open_store
from api.cli.verify import shown_progress
from consumers.bootstrap import database_decoder
from consumers.files import FileContent, FileIngest, IngestRaced, LineOutcome, look_at
from ledger_core.domain.outcomes import Outcome
from ledger_core.store.connection import Role
from ledger_core.store.poster import Poster

SHOWN_EVERY = 100
"""Lines between two movements of the bar."""


def ingest(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Structured CloudEvents, one JSON object a line.")],
    book: Annotated[str | None, typer.Option("--book", "-b", help="Refuse events of any other book.")] = None,
    _json: Json = False,
) -> None:
    """Post the events of a file: one outcome a line. A repeat changes nothing."""
    state = state_of(context)
    counts: Counter[Outcome] = Counter()
    content = look_at_file(file)
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        ingesting(store, book) as work,
        shown_progress(state.output, "ingesting") as progress,
    ):
        try:
            for outcome in work.run(file, content, time.time_ns() // 1_000_000):
                counts[outcome.outcome] += 1
                _print_line(state.output, outcome)
                if outcome.line % SHOWN_EVERY == 0 or outcome.line == content.lines:
                    progress(outcome.line, content.lines)
        except IngestRaced as error:
            raise CliError(
                "INGEST_RACED", str(error), "wait for it, then try again: nothing is posted twice"
            ) from error
        healed = work.healed
    said = ", ".join(f"{count:,} {outcome.value.lower()}" for outcome, count in counts.items()) or "no lines"
    state.output.say(said + (f"; {decided(healed)} by it" if healed else ""))


def look_at_file(file: Path) -> FileContent:
    """What the file is known by; an error that says what to do when it can't be read."""
    try:
        return look_at(file)
    except OSError as error:
        text = f"{file} can't be read: {error.strerror or error}"
        raise CliError("FILE_UNREADABLE", text, "give a file with one event a line") from error


@contextmanager
def ingesting(store: Store, book: str | None) -> Iterator[FileIngest]:
    """Ready to post a file's events; with a book, those of any other are refused."""
    decoder = database_decoder(store.dsn, expected_book=book)
    # Parked events of other books may be healed on the way: for those no book is the wrong one.
    parked = database_decoder(store.dsn)
    poster = Poster(store.dsn, decode=parked.decode)
    poster.open()
    try:
        with store.connect(Role.POSTER) as connection:
            yield FileIngest(poster, decoder, connection)
    finally:
        poster.close()


def _print_line(output: Output, outcome: LineOutcome) -> None:
    if output.as_json:
        sys.stdout.write(to_json(outcome) + "\n")
        return
    what = outcome.outcome.value
    if outcome.original is not None:
        what = f"{what} ({outcome.original.value})"
    place = f"voucher {outcome.voucher_no}" if outcome.voucher_no else f"position {outcome.position}"
    why = f"  {outcome.code}: {outcome.detail}" if outcome.code else ""
    print(Text(f"{outcome.line:>7}  {what:<20}  {outcome.book} {place}  {outcome.event_id}{why}").plain)
