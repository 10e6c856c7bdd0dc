"""The note that an import leaves in the log of its book, before it posts anything: of which file, and why."""

from collections.abc import Mapping
from typing import Final

import orjson
import psycopg

from ledger_core.store.appender import NewEvent, append_events
from schemas.card_data import mask_text

IMPORT_STARTED: Final = "import.started"


def note_import(
    connection: psycopg.Connection,
    book_id: int,
    *,
    source: str,
    topic: str,
    vouchers: int,
    accounts: int,
    reason: str,
) -> None:
    """Append the note in the caller's transaction. The vouchers themselves name the same topic as their cause."""
    said: Mapping[str, object] = {
        "source": source, "topic": topic, "vouchers": vouchers, "accounts": accounts, "reason": mask_text(reason),
    }  # fmt: skip
    append_events(connection, book_id, [NewEvent(IMPORT_STARTED, orjson.dumps(said))])
