"""Bytes of parked events against the inbox: what waits to be decided again is what was received, under its key."""

from typing import Any

import orjson
import psycopg

from ledger_core.domain.fingerprints import fingerprint
from ledger_core.domain.incoming import SYSTEM_BOOK
from ledger_core.store.headers import rows_to_headers
from ledger_core.store.named_sql import load_queries
from ledger_core.store.strays import unknown_book
from ledger_core.store.verify.report import Tally
from ledger_core.store.verify.snapshot import BookEnd
from schemas.envelope import EnvelopeError, parts_of
from schemas.strict_json import UnreadableJsonError, read_json

AT_ONCE = 1_000


def check_parked_bytes(connection: psycopg.Connection[Any], book: BookEnd, tally: Tally) -> None:
    """Those that wait: what was decided for good is never read again."""
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    with connection.cursor(name="parked_bytes") as cursor:
        cursor.itersize = AT_ONCE
        for position, *letter in cursor.execute(queries["parked_bytes"], (book.book_id,)):
            if not _is_as_received(book.code, *letter):
                tally.bad("dead_letters", f"book {book.code}: position {position} is not what was received")
                return


def _is_as_received(
    book: str,
    value: bytes | None,
    headers: list[list[str | None]],
    inbox: bytes | None,
    key: list[str],
    waits_for: str,
) -> bool:
    try:
        attributes, data = parts_of(rows_to_headers(headers), read_json(value))
    except (EnvelopeError, UnreadableJsonError):
        return False
    canonical = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    if fingerprint(str(attributes.get("type")), canonical) != inbox:
        return False
    named = str(attributes.get("ledgerbook"))
    if book == SYSTEM_BOOK:
        return unknown_book(named).waits_for == waits_for
    return [named, *(attributes.get(name) for name in ("source", "id", "subject"))] == [book, *key]
