"""Periods against their events: what is closed, that nothing came in afterwards, and what each closing sealed.

Entries are read once for all closings of a book: summed up per account, by the period in which they took effect and
by the events of periods between which they were recorded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np
import orjson
import psycopg

from ledger_core.domain.periods import NEVER_US, AccountSums, last_moment_us, trial_balance
from ledger_core.store.columns import Int64s
from ledger_core.store.named_sql import load_queries
from ledger_core.store.verify.accounts import Accounts, load_accounts
from ledger_core.store.verify.report import Tally

CLOSING: Final = "period.closing"
CLOSED: Final = "period.closed"
REOPENED: Final = "period.reopened"

PeriodRow = tuple[date, date | None, str, int, int]
"""through, after, status, closings, position: as the table has it."""


@dataclass(slots=True, frozen=True)
class Seal:
    """What a closing says of the entries that took effect through a day and stood in the log before a gate."""

    position: int
    through: date
    known_at_position: int
    said: tuple[object, object, object]


@dataclass(slots=True)
class Told:
    """The events of periods, folded. `gates` are the positions at which `closed_through` moved, and where to."""

    rows: dict[date, PeriodRow] = field(default_factory=dict)
    gates: dict[int, date | None] = field(default_factory=dict)
    seals: list[Seal] = field(default_factory=list)

    def take(self, position: int, kind: str, state: Mapping[str, Any]) -> None:
        through = date.fromisoformat(state["through"])
        if kind == CLOSING:
            after = date.fromisoformat(state["after"]) if state["after"] else None
            self.rows[through] = (through, after, "closing", int(state["closing"]), position)
            self.gates[position] = through
            return
        _, after, _, closings, _ = self.rows[through]
        self.rows[through] = (through, after, "closed" if kind == CLOSED else "open", closings, position)
        if kind == CLOSED:
            said = (state["trial_balance"], state["accounts"], state["totals"])
            self.seals.append(Seal(position, through, int(state["known_at_position"]), said))
        else:
            self.gates[position] = after

    @property
    def closed_through(self) -> date | None:
        return list(self.gates.values())[-1] if self.gates else None


def check_periods(connection: psycopg.Connection[Any], book_id: int, book: str, tally: Tally) -> None:
    """Both checks of one book; reads no entry of a book that never closed a period."""
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    told = Told()
    for position, kind, state in connection.execute(queries["period_events"], (book_id,)).fetchall():
        try:
            told.take(position, kind, orjson.loads(state))
        except (ValueError, KeyError, TypeError, AttributeError):
            tally.bad("periods", f"book {book}: event at position {position} can't be read")
            return
    stored: list[PeriodRow] = connection.execute(queries["period_rows"], (book_id,)).fetchall()
    tally.count("periods", len(stored))
    tally.count("closing_balances", len(told.seals))
    for row in sorted({*stored} ^ {*told.rows.values()}, key=str):
        tally.bad("periods", f"book {book}: the period through {row[0]} is not what its events say")
    closed_us = connection.execute(queries["closed_through_us"], (book_id,)).fetchall()
    if closed_us != [(last_moment_us(told.closed_through) if told.closed_through else NEVER_US,)]:
        tally.bad("periods", f"book {book}: closed_through is not what the events of periods say")
    if told.gates:
        cells = _Cells(connection, book_id, told)
        cells.check_nothing_late(book, tally)
        cells.check_seals(book, tally)


class _Cells:
    """Entries of one book in cells: account, period of effect (`day`), gates passed when recorded (`gate`)."""

    def __init__(self, connection: psycopg.Connection[Any], book_id: int, told: Told) -> None:
        queries = load_queries("ledger_core.store.verify", "checks.sql")
        self._told = told
        self._days = sorted({*(day for day in told.gates.values() if day), *(seal.through for seal in told.seals)})
        self._gates = sorted(told.gates)
        self._accounts: Accounts = load_accounts(connection, book_id)
        self._currencies: dict[int, str] = {
            asset_id: code for code, asset_id in connection.execute(queries["assets"]).fetchall()
        }
        parameters = {
            "book_id": book_id,
            "moments": [_after(day) for day in self._days],
            "gates": self._gates,
            "end": _after(self._days[-1]) if self._days else _after(date.min),
        }
        with connection.cursor(binary=True) as cursor:
            row = cursor.execute(queries["entries_by_period"], parameters).fetchone()
        none = np.empty(0, dtype=np.int64)
        columns: Sequence[Int64s] = row if row is not None and row[0] is not None else (none,) * 6
        self._account, self._day, self._gate, self._debits, self._credits, self._position = columns

    def check_nothing_late(self, book: str, tally: Tally) -> None:
        """I20: no entry was recorded while the period in which it took effect was closed."""
        place = {day: number for number, day in enumerate(self._days)}
        closed = [-1, *(place[day] if day else -1 for day in (self._told.gates[gate] for gate in self._gates))]
        late = self._day <= np.array(closed, dtype=np.int64)[self._gate]
        if late.any():
            position = int(self._position[late].min())
            tally.bad("periods", f"book {book}: entry at position {position} took effect in a period closed before")

    def check_seals(self, book: str, tally: Tally) -> None:
        for seal in self._told.seals:
            if seal.known_at_position not in self._told.gates:
                tally.bad("closing_balances", f"book {book}: at {seal.position}, known at a position of no closing")
                continue
            found = trial_balance(book, seal.through, self._sums(seal))
            totals = [[currency, str(total)] for currency, total in found.totals.items()]
            if seal.said != (found.digest, found.accounts, totals):
                tally.bad("closing_balances", f"book {book}: period through {seal.through} at position {seal.position}")

    def _sums(self, seal: Seal) -> Iterator[AccountSums]:
        held = (self._day <= self._days.index(seal.through)) & (self._gate <= self._gates.index(seal.known_at_position))
        account = self._account[held]
        if not len(account):
            return
        starts = np.flatnonzero(np.r_[True, account[1:] != account[:-1]])
        debits = np.add.reduceat(self._debits[held], starts).tolist()
        credits = np.add.reduceat(self._credits[held], starts).tolist()
        known = self._accounts
        place = np.minimum(np.searchsorted(known.ids, account[starts]), len(known.ids) - 1).tolist()
        lines = [
            AccountSums(known.codes[at], self._currencies.get(int(known.assets[at]), "?"), debit, credit)
            for at, debit, credit in zip(place, debits, credits, strict=True)
        ]
        yield from sorted(lines)


def _after(day: date) -> datetime:
    """The first moment after a day, in UTC."""
    return datetime.fromisoformat(f"{day.isoformat()}T00:00:00+00:00") + timedelta(days=1)
