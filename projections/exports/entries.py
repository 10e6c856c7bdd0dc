"""The entries of a book as CSV, in the order of its log, each with the balance of its account after it.

Made to be opened by spreadsheets: a text that would be taken for a formula there begins with an apostrophe instead.
"""

import csv
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, LiteralString

from projections.exports.names import no_formula
from projections.exports.vouchers import FETCHED, position_of
from projections.queries.snapshot import Snapshot

COLUMNS: Final = (
    "position", "voucher_no", "line", "account", "side", "amount_minor", "currency", "scale", "purpose",
    "posting_sequence", "running_minor", "running_side", "order_key", "effective_at", "recorded_at",
)  # fmt: skip
ENTRIES: Final[LiteralString] = """
SELECT position, voucher_no, line, account, side, amount_minor, currency, scale, purpose, posting_sequence,
    running_minor, running_side, order_key, effective_at, recorded_at
FROM read.statement WHERE book_id = %(book_id)s AND position <= %(position)s ORDER BY position, line
"""


def entries_of(
    at: Snapshot,
    *,
    as_of_position: int | None = None,
    progress: Callable[[int], None] = lambda _position: None,
) -> Iterator[str]:
    """The text, in pieces of a row each; the first names the columns. Raises PositionAheadError."""
    position = position_of(at, as_of_position)
    write = csv.writer(_Echo(), lineterminator="\n").writerow
    yield write(COLUMNS)
    with at.connection.cursor(name="exported_entries", binary=True) as cursor:
        cursor.itersize = FETCHED
        for row in cursor.execute(ENTRIES, {"book_id": at.book_id, "position": position}):
            yield write([_cell(value) for value in row])
            progress(row[0])


def _cell(value: object) -> object:
    """Numbers stand as they are, with their sign; times as RFC 3339 in UTC."""
    if isinstance(value, str):
        return no_formula(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value


class _Echo:
    """What `csv` writes to; its writer hands back what this returns."""

    def write(self, text: str) -> str:
        return text
