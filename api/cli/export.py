"""`ledgerctl export`: a book as text that other programs read."""

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from api.cli.command import Json, state_of
from api.cli.errors import EXIT_FAILED, CliError
from api.cli.output import Output
from api.cli.stores import open_store
from api.cli.verify import shown_progress
from projections.exports.entries import entries_of
from projections.exports.journals import JOURNALS, journal_of
from projections.exports.vouchers import ExportFailed, position_of
from projections.queries.snapshot import Snapshot

SHOWN_EVERY: Final = 1_000
"""Positions between two moves of the progress bar."""


class ExportFormat(StrEnum):
    """What a book can be written as."""

    HLEDGER = "hledger"
    LEDGER = "ledger"
    BEANCOUNT = "beancount"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Written:
    """What was exported, and where to; `sha256` is that of the text, the same for the same position."""

    book: str
    position: int
    format: str
    file: str
    bytes: int
    sha256: str


def export(
    context: typer.Context,
    book: Annotated[str, typer.Argument(help="Code of the book.")],
    as_format: Annotated[ExportFormat, typer.Option("--format", help="Journal of a program, or entries as CSV.")],
    out: Annotated[Path | None, typer.Option(help="File to write; stdout, when left out.", dir_okay=False)] = None,
    at_position: Annotated[int | None, typer.Option(min=0, help="As known at this position of the book.")] = None,
    _json: Json = False,
) -> None:
    """Write a book as plain text: for hledger, ledger or beancount, or its entries as CSV."""
    state = state_of(context)
    if out is None and state.output.as_json:
        raise typer.BadParameter("with --json the text needs a file of its own", param_hint="--out")
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        store.reading(book, statement_timeout_ms=0) as at,
        _moving(state.output, f"exporting {book}", position_of(at, at_position), out) as progress,
    ):
        pieces = _text(at, as_format, at_position, progress)
        try:
            if out is None:
                _to_stdout(pieces)
                return
            size, digest = _to_file(pieces, out)
        except ExportFailed as error:
            raise CliError("EXPORT_FAILED", str(error), "see what is wrong with: ledgerctl verify") from error
        written = Written(book, position_of(at, at_position), as_format.value, str(out), size, digest)
    state.output.data(written, lambda console: _draw(console, written))


def _text(
    at: Snapshot, as_format: ExportFormat, at_position: int | None, progress: Callable[[int], None]
) -> Iterator[str]:
    if as_format is ExportFormat.CSV:
        return entries_of(at, as_of_position=at_position, progress=progress)
    return journal_of(at, JOURNALS[as_format.value], as_of_position=at_position, progress=progress)


def _to_stdout(pieces: Iterable[str]) -> None:
    try:
        for piece in pieces:
            sys.stdout.write(piece)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(EXIT_FAILED) from None


def _to_file(pieces: Iterable[str], out: Path) -> tuple[int, str]:
    """The file appears when it is whole, or not at all; returns its size and hash."""
    draft = out.with_name(f"{out.name}.partial")
    digest, size = hashlib.sha256(), 0
    try:
        with draft.open("wb") as file:
            for piece in pieces:
                encoded = piece.encode()
                size += file.write(encoded)
                digest.update(encoded)
        draft.replace(out)
    except OSError as error:
        message = f"{out} can't be written: {error.strerror}"
        raise CliError("FILE_UNWRITABLE", message, "give another with --out") from error
    finally:
        draft.unlink(missing_ok=True)
    return size, digest.hexdigest()


@contextmanager
def _moving(output: Output, what: str, last: int, out: Path | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal, unless the text itself goes there."""
    if not output.interactive or (out is None and sys.stdout.isatty()):
        yield lambda _position: None
        return
    shown = 0
    with shown_progress(output, what) as show:

        def move(position: int) -> None:
            nonlocal shown
            if position - shown >= SHOWN_EVERY:
                shown = position
                show(position, last)

        yield move


def _draw(console: Console, written: Written) -> None:
    console.print(Text(f"{written.file}: {written.book} up to position {written.position}, {written.bytes:,} bytes"))
    console.print(Text(f"sha256 {written.sha256}", style="dim"))
