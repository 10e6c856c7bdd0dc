"""What the machine can do at best: binary COPY of ready bytes into the same tables and indexes, without triggers.

The rows are those that a posting run wrote, exported batch by batch in the order in which it wrote them. A child
process holds its batches in memory and only sends them, five COPYs and one COMMIT a batch.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, LiteralString

import psycopg

from benchmarks.children import read_task, run_together, say, wait_for_word

COLUMNS: Final[dict[LiteralString, LiteralString]] = {
    "inbox": "batch_id, book_id, source_id, ordinal, revision, event_id, fingerprint",
    "subject": "book_id, order_key, authorised_minor, captured_minor, refunded_minor, asset_id, voided, parked, "
    "captures",
    "block": "book_id, number, batch_id, first_position, last_position, recorded_at, merkle_root, previous_hash, hash",
    "entry": "posting_sequence, position, amount_minor, running_minor, effective_at, book_id, account_id, line, "
    "purpose, asset_id, side, order_key",
    "event": "position, voucher_no, book_id, originator_version, originator_id, type, order_key, state",
}
"""Tables in the order in which the posting transaction writes them."""

ORDERS: Final[dict[LiteralString, LiteralString]] = {
    "inbox": "book_id, source_id, event_id, revision",
    "subject": "book_id, order_key",
    "block": "book_id",
    "entry": "book_id, account_id, posting_sequence",
    "event": "book_id, position",
}

PREPARE_EXPORT: Final[LiteralString] = """
    CREATE TEMPORARY TABLE batch_event AS
        SELECT block.batch_id, event.book_id, event.position, event.order_key
        FROM ledger.block JOIN ledger.event ON event.book_id = block.book_id
            AND event.position BETWEEN block.first_position AND block.last_position
        WHERE event.type = 'voucher.posted';
    CREATE INDEX ON batch_event (batch_id);
    CREATE INDEX ON ledger.entry (book_id, position);
    CREATE INDEX ON ledger.inbox (batch_id);
    CREATE INDEX ON ledger.block (batch_id);
    ANALYZE batch_event, ledger.entry, ledger.inbox, ledger.block;
"""

SOURCES: Final[dict[LiteralString, LiteralString]] = {
    "inbox": "ledger.inbox AS it WHERE batch_id = %(batch_id)s",
    "subject": "ledger.subject AS it JOIN batch_event USING (book_id, order_key) WHERE batch_id = %(batch_id)s",
    "block": "ledger.block AS it WHERE batch_id = %(batch_id)s",
    "entry": "ledger.entry AS it JOIN batch_event USING (book_id, position) WHERE batch_id = %(batch_id)s",
    "event": "ledger.event AS it JOIN batch_event USING (book_id, position) WHERE batch_id = %(batch_id)s",
}

DISABLE_TRIGGERS: Final[LiteralString] = """
    ALTER TABLE ledger.entry DISABLE TRIGGER USER;
    ALTER TABLE ledger.account_head DISABLE TRIGGER USER;
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """Batches as files of COPY data, a file per table and batch; `events` in all."""

    folder: Path
    batches: list[int]
    events: int


@dataclass(frozen=True, slots=True)
class Task:
    """Which batches a child sends."""

    dsn: str
    folder: str
    batches: list[int]


def export(dsn: str, folder: Path) -> Exported:
    """Writes down what a run has posted. The database is of no use for measurements after: it gets more indexes."""
    folder.mkdir(parents=True)
    with psycopg.connect(dsn) as connection:
        connection.execute(PREPARE_EXPORT)
        found = connection.execute("SELECT batch_id, count(*) FROM batch_event GROUP BY batch_id ORDER BY batch_id")
        events_by_batch: dict[int, int] = dict(found.fetchall())
        for batch_id in events_by_batch:
            for table in COLUMNS:
                (folder / f"{batch_id}.{table}").write_bytes(_rows(connection, table, batch_id))
    return Exported(folder, list(events_by_batch), sum(events_by_batch.values()))


def _rows(connection: psycopg.Connection, table: LiteralString, batch_id: int) -> bytes:
    columns = ", ".join(f"it.{name}" for name in COLUMNS[table].split(", "))
    order = ", ".join(f"it.{name}" for name in ORDERS[table].split(", "))
    query = f"COPY (SELECT {columns} FROM {SOURCES[table]} ORDER BY {order}) TO STDOUT (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(query, {"batch_id": batch_id}) as copy:
        return b"".join(bytes(part) for part in copy)


def copy_rate(dsn: str, exported: Exported, connections: int) -> float:
    """Vouchers a second through this many connections at once, each in a process of its own."""
    disable_triggers(dsn)
    shares = [exported.batches[number::connections] for number in range(connections)]
    reports = run_together("benchmarks.raw_copy", [Task(dsn, str(exported.folder), share) for share in shares])
    seconds = max(report["ended_s"] for report in reports) - min(report["began_s"] for report in reports)
    return exported.events / float(seconds)


def disable_triggers(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(DISABLE_TRIGGERS)


def send(task: Task) -> dict[str, float]:
    """Sends every batch in a transaction of its own."""
    folder = Path(task.folder)
    ready = [[(table, (folder / f"{batch}.{table}").read_bytes()) for table in COLUMNS] for batch in task.batches]
    with psycopg.connect(task.dsn, autocommit=True) as connection, connection.cursor() as cursor:
        connection.execute("SET synchronous_commit = on")
        wait_for_word()
        began_s = time.monotonic()
        for batch in ready:
            with connection.transaction():
                copy_batch(cursor, batch)
        return {"began_s": began_s, "ended_s": time.monotonic()}


def copy_batch(cursor: psycopg.Cursor, batch: Sequence[tuple[LiteralString, bytes]]) -> None:
    for table, rows in batch:
        with cursor.copy(f"COPY ledger.{table} ({COLUMNS[table]}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(rows)


if __name__ == "__main__":
    say(dict(send(Task(**read_task()))))
