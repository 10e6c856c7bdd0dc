"""Links between vouchers: rows against what the vouchers themselves say, and reversals against what they mirror."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import psycopg

from ledger_core.domain.reversals import MIRRORS, NOT_VOIDABLE, REVERSAL
from ledger_core.store.named_sql import load_queries
from ledger_core.store.verify.report import Tally
from ledger_core.store.verify.snapshot import BookEnd

MIRRORING: Final = (b"payment.voided.v1", b"voucher.void_requested.v1")
"""Upstream types whose vouchers are mirrors."""
BY_HAND: Final = (b"voucher.requested.v1", b"voucher.group_requested.v1")
"""Upstream types whose vouchers may make another good."""
COMPENSATING: Final = (b"transfer.inflow.compensated.v1", b"transaction.compensated.v1")
"""Upstream types whose vouchers always do, and are its mirror."""
LINKING: Final = frozenset(MIRRORING + BY_HAND + COMPENSATING)
COMPENSATES: Final = b'"compensates":['
"""Of a state that has this member; text inside a string would have its quotes escaped."""
OTHER_SIDE: Final = {"D": "C", "C": "D"}

Link = tuple[int, int]
"""Position of the voucher that says so, and of the one that it is about."""


@dataclass(slots=True)
class SaidLinks:
    """What vouchers say of others in their states."""

    reversals: list[Link] = field(default_factory=list)
    compensations: list[Link] = field(default_factory=list)

    def take(
        self,
        positions: Sequence[int],
        voucher_nos: Sequence[int],
        event_types: Sequence[bytes],
        states: Sequence[bytes],
    ) -> None:
        """Adds the links of the vouchers among these outcomes; `event_types` are those of their upstream events."""
        if LINKING.isdisjoint(event_types):
            return
        for position, voucher_no, event_type, state in zip(positions, voucher_nos, event_types, states, strict=True):
            if not voucher_no:
                continue
            if event_type in MIRRORING:
                self.reversals += [(position, linked) for linked in _positions(state, "reverses")]
            elif event_type in COMPENSATING or (event_type in BY_HAND and COMPENSATES in state):
                self.compensations += [(position, linked) for linked in _positions(state, "compensates")]

    def add(self, later: "SaidLinks") -> None:
        self.reversals += later.reversals
        self.compensations += later.compensations


def _positions(state: bytes, member: str) -> Iterable[int]:
    """Positions of what a voucher says that it is about; 0 for what can't be read: no row has it."""
    try:
        return [int(link["position"]) for link in orjson.loads(state)[member]] or [0]
    except (ValueError, KeyError, TypeError):
        return [0]


def check_links(connection: psycopg.Connection[Any], book: BookEnd, after: int, said: SaidLinks, tally: Tally) -> None:
    """Rows say what vouchers say of others, and lines of a mirror are those of what it takes back, sides exchanged.
    Vouchers at or before the position `after` are left out."""
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    rows = connection.execute(queries["compensations"], (book.book_id, after)).fetchall()
    tally.count("compensations", len(rows))
    different = set(said.compensations) ^ set(rows)
    if different:
        tally.bad("compensations", f"book {book.code}: link of the voucher at position {min(different)[0]}")
    else:
        _check_mirrors(connection, book, after, "compensations", "compensating_mirrors", tally)
    rows = connection.execute(queries["reversals"], (book.book_id, after)).fetchall()
    tally.count("reversals", len(rows))
    different = set(said.reversals) ^ {(mirror, reversed_position) for reversed_position, mirror in rows}
    if different:
        tally.bad("reversals", f"book {book.code}: link of the voucher at position {min(different)[0]}")
        return
    _check_mirrors(connection, book, after, "reversals", "mirrors", tally)


def _check_mirrors(
    connection: psycopg.Connection[Any], book: BookEnd, after: int, check: str, query: str, tally: Tally
) -> None:
    """The first voucher that is no mirror of what it takes back."""
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    with connection.cursor(name=query, binary=True) as cursor:
        cursor.execute(queries[query], (book.book_id, after))
        for position, state, taken_back in cursor:
            if not _is_mirror(state, taken_back):
                tally.bad(check, f"book {book.code}: voucher at position {position} is no mirror of what it takes back")
                return


def _is_mirror(state: bytes, reversed_states: Sequence[bytes]) -> bool:
    try:
        mirror, originals = orjson.loads(state), [orjson.loads(one) for one in reversed_states]
        kinds = {original["kind"] for original in originals}
        lines = [
            [account, OTHER_SIDE[side], amount, currency, "reversal"]
            for original in originals
            for account, side, amount, currency, _ in original["lines"]
        ]
        return (
            mirror["lines"] == lines
            and not kinds & MIRRORS
            and (mirror["kind"] != REVERSAL or (len(originals) == 1 and not kinds & NOT_VOIDABLE.keys()))
        )
    except (ValueError, KeyError, TypeError):
        return False
