"""Asks for something by an event, as any service would: a file of one line, tried out or ingested.

A dry run is what `event validate` would say of it; to ask is what `ingest` does with it.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from api.cli.errors import CliError
from api.cli.ingest import ingesting
from api.cli.stores import Store
from consumers.bootstrap import database_decoder
from consumers.dry_run import Fate, fates
from consumers.files import LineOutcome, look_at
from schemas.producer import EventError, Producer

SOURCE: Final = "/ledgerctl"


class Asked(NamedTuple):
    """An event that asks for something. `request` is its id: a repeat of it changes nothing."""

    event_type: str
    request: str
    order_key: str
    effective_at: datetime
    data: Mapping[str, object]
    source: str = SOURCE


def try_out(store: Store, book: str, asked: Asked) -> Fate:
    """What would become of it now. Raises `CliError` where it is no event."""
    with _file_of(book, asked) as file:
        decoder = database_decoder(store.dsn, expected_book=book)
        (fate,) = fates(store.dsn, file, look_at(file), decoder, time.time_ns() // 1_000_000)
        return fate


def ask(store: Store, book: str, asked: Asked) -> LineOutcome:
    """Has it decided. Raises `CliError` where it is no event."""
    with _file_of(book, asked) as file, ingesting(store, book) as work:
        (outcome,) = work.run(file, look_at(file), time.time_ns() // 1_000_000)
        return outcome


@contextmanager
def _file_of(book: str, asked: Asked) -> Iterator[Path]:
    try:
        message = Producer(book, asked.source).event(
            asked.event_type, asked.request, asked.order_key, asked.effective_at, asked.data
        )
    except EventError as error:
        raise CliError(error.code, error.detail, "put it right, then try again") from error
    with TemporaryDirectory() as folder:
        file = Path(folder) / "request.ndjson"
        file.write_bytes(message.line())
        yield file
