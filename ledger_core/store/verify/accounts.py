"""Entries folded per account, over whole columns: sequences, running balances, and the sums that heads must equal."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from ledger_core.store.columns import Int64s
from ledger_core.store.named_sql import load_queries
from ledger_core.store.verify.report import Tally


@dataclass(slots=True)
class Accounts:
    """The accounts of one book in the order of their ids, with what their heads say. `place` finds one by code."""

    ids: Int64s
    codes: list[str]
    assets: Int64s
    keyed: NDArray[np.bool_]
    sequences: Int64s
    debits: Int64s
    credits: Int64s
    place: dict[str, int]


def load_accounts(connection: psycopg.Connection[Any], book_id: int) -> Accounts:
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(queries["accounts"], (book_id,)).fetchone()
    if row is None or row[0] is None:
        none = np.empty(0, dtype=np.int64)
        return Accounts(none, [], none, none.astype(np.bool_), none, none, none, {})
    ids, codes, assets, keyed, sequences, debits, credits = row
    place = {code: number for number, code in enumerate(codes)}
    return Accounts(ids, codes, assets, keyed.astype(np.bool_), sequences, debits, credits, place)


@dataclass(slots=True)
class Entries:
    """Entries in the order of the log. `account` is the place among the book's accounts, -1 for none of them."""

    position: Int64s
    account: Int64s
    asset: Int64s
    sequence: Int64s
    amount: Int64s
    running: Int64s
    effective: Int64s
    line: Int64s
    purpose: Int64s
    is_debit: NDArray[np.bool_]
    has_order_key: NDArray[np.bool_]

    @property
    def signed(self) -> Int64s:
        return np.where(self.is_debit, self.amount, -self.amount)

    def some(self, chosen: NDArray[np.bool_]) -> "Entries":
        """Those that are chosen."""
        return Entries(*(getattr(self, column.name)[chosen] for column in fields(self)))


class AccountFold:
    """What the entries of a run of positions do to each account, without knowing what came before the run."""

    def __init__(self, accounts: int) -> None:
        self.seen = np.zeros(accounts, dtype=np.bool_)
        self.sequence_before = np.zeros(accounts, dtype=np.int64)
        self.running_before = np.zeros(accounts, dtype=np.int64)
        self.sequence = np.zeros(accounts, dtype=np.int64)
        self.running = np.zeros(accounts, dtype=np.int64)
        self.debits = np.zeros(accounts, dtype=np.int64)
        self.credits = np.zeros(accounts, dtype=np.int64)

    def take(self, entries: Entries, codes: list[str], book: str, tally: Tally) -> None:
        """Fold entries that continue those taken before; each must follow the one before it in its account."""
        order = np.argsort(entries.account, kind="stable")
        account, sequence, running = entries.account[order], entries.sequence[order], entries.running[order]
        signed = entries.signed[order]
        starts = np.flatnonzero(np.r_[True, account[1:] != account[:-1]])
        ends = np.r_[starts[1:], len(account)] - 1
        touched = account[starts]

        new = touched[~self.seen[touched]]
        first_of_new = starts[~self.seen[touched]]
        self.sequence_before[new] = self.sequence[new] = sequence[first_of_new] - 1
        self.running_before[new] = self.running[new] = (running - signed)[first_of_new]
        self.seen[new] = True

        sequence_before, running_before = np.roll(sequence, 1), np.roll(running, 1)
        sequence_before[starts], running_before[starts] = self.sequence[touched], self.running[touched]
        wrong_sequence = np.flatnonzero(sequence != sequence_before + 1)
        wrong_running = np.flatnonzero(running != running_before + signed)
        for name, wrong in (("posting_sequences", wrong_sequence), ("running_balances", wrong_running)):
            if len(wrong):
                first = wrong[np.argmin(order[wrong])]
                tally.bad(
                    name,
                    f"book {book}: account {codes[account[first]]}, entry {sequence[first]} at position "
                    f"{entries.position[order[first]]}",
                )
        self.sequence[touched], self.running[touched] = sequence[ends], running[ends]
        debits = np.where(signed > 0, signed, 0)
        self.debits[touched] += np.add.reduceat(debits, starts)
        self.credits[touched] += np.add.reduceat(debits - signed, starts)

    def follow(self, later: "AccountFold", codes: list[str], book: str, tally: Tally) -> None:
        """Add the run that comes next: its first entry of each account must continue our last."""
        wrong_sequence = np.flatnonzero(later.seen & (later.sequence_before != self.sequence))
        wrong_running = np.flatnonzero(later.seen & (later.running_before != self.running))
        for name, wrong in (("posting_sequences", wrong_sequence), ("running_balances", wrong_running)):
            if len(wrong):
                first = wrong[0]
                tally.bad(name, f"book {book}: account {codes[first]}, entry {later.sequence_before[first] + 1}")
        self.sequence = np.where(later.seen, later.sequence, self.sequence)
        self.running = np.where(later.seen, later.running, self.running)
        self.debits += later.debits
        self.credits += later.credits

    def compare_heads(self, accounts: Accounts, book: str, tally: Tally) -> None:
        """Every head is what all entries of its account sum up to."""
        tally.count("heads", len(accounts.codes))
        wrong = (
            (accounts.sequences != self.sequence)
            | (accounts.debits != self.debits)
            | (accounts.credits != self.credits)
        )
        if wrong.any():
            tally.bad("heads", f"book {book}: account {accounts.codes[int(np.argmax(wrong))]}")

    def compare_ends(self, accounts: Accounts, book: str, tally: Tally) -> None:
        """Every head ends where the entries of its account end, when only the last of them were folded."""
        tally.count("heads", len(accounts.codes))
        wrong = (accounts.sequences != self.sequence) | (accounts.debits - accounts.credits != self.running)
        if wrong.any():
            tally.bad("heads", f"book {book}: account {accounts.codes[int(np.argmax(wrong))]}")
