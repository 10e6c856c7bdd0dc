"""Notices against the log: each row is what one event said, and each event has its row.

Sums of hashes that do not depend on the order: equal ones mean the same notices, short of a coincidence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson
import psycopg

from ledger_core.domain.notice_life import NOTICE
from ledger_core.store.named_sql import load_queries
from ledger_core.store.verify.lines import Document
from ledger_core.store.verify.report import Tally

_MASK: Final = (1 << 64) - 1


def _hash(notice: Mapping[str, Any]) -> int:
    return int.from_bytes(sha256(orjson.dumps(notice, option=orjson.OPT_SORT_KEYS)).digest()[:8])


@dataclass(slots=True)
class NoticeSums:
    """The sum of the hashes of all notices, modulo 2^64."""

    sum: int = 0
    counted: int = 0

    def take_events(self, documents: Iterable[Document]) -> None:
        """Adds what accepted events say."""
        for document in documents:
            if NOTICE in document and "kind" in document:
                self.take(document[NOTICE])

    def take(self, notice: Mapping[str, Any]) -> None:
        self.sum = (self.sum + _hash(notice)) & _MASK
        self.counted += 1

    def join(self, later: "NoticeSums") -> None:
        self.sum, self.counted = (self.sum + later.sum) & _MASK, self.counted + later.counted


def check_notices(
    connection: psycopg.Connection[Any], book_id: int, book: str, events: NoticeSums, tally: Tally
) -> None:
    """Rows of one book against what its events added up to."""
    queries = load_queries("ledger_core.store.verify", "notices.sql")
    rows = NoticeSums()
    with connection.cursor(name="notices", binary=True) as cursor:
        cursor.itersize = 10_000
        cursor.execute(queries["notices"], (book_id,))
        for kind, key, revision, said in cursor:
            rows.take({"kind": kind, "key": key, "revision": revision, **said})
    tally.count("notices", rows.counted)
    if rows == events:
        return
    try:
        with connection.transaction():
            row = connection.execute(queries["first_bad_notice"], {"book_id": book_id}).fetchone()
    except psycopg.DataError:  # a state that is no JSON, which the Merkle roots name
        row = None
    tally.bad("notices", f"book {book}: {row[0] if row else '(unknown)'}")
