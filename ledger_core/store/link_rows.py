"""Step 7: rows that link vouchers both ways, from what their own states say."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg

from ledger_core.domain.vouchers import Draft
from ledger_core.store.items import Item
from ledger_core.store.named_sql import load_queries

QUERIES = load_queries("ledger_core.store", "links.sql")

INSERTS: Final = (("reverses", "insert_reversals"), ("compensates", "insert_compensations"))
"""Members of a voucher's state that hold links, and how their rows are written."""

Linked = tuple[Item, Draft]
"""An item with the draft of which it was posted."""


def write_links(cursor: psycopg.Cursor[Any], linked: Sequence[Linked], place: Mapping[int, int]) -> None:
    """`place` tells the position of an item by its identity."""
    for member, query in INSERTS:
        rows = [
            (item.book.book_id, link["position"], place[id(item)])
            for item, draft in linked
            for link in (draft.details or {}).get(member, ())  # type: ignore[attr-defined]
        ]
        if rows:
            books, to, position = map(list, zip(*rows, strict=True))
            cursor.execute(QUERIES[query], {"books": books, "to": to, "from": position})
