"""Outcomes whose states are written alike, against entries and inbox: whole columns at once.

Like `regular`, it only ever says "proven" or "look closer". What is irregular or differs is left to the others.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from ledger_core.store.columns import Int64s
from ledger_core.store.verify.accounts import Accounts, Entries
from ledger_core.store.verify.alike import Alike, AlikeReader, Bools, Spans, Texts, names_known
from ledger_core.store.verify.inbox import InboxRows
from ledger_core.store.verify.lines import Names
from ledger_core.store.verify.regular import REGULAR_TYPES, VOUCHER_POSTED
from ledger_core.store.verify.rows import Events

_WORD: Final = 8


class AccountCodes:
    """The codes of a book's accounts as columns of bytes, to be compared many at a time."""

    def __init__(self, accounts: Accounts) -> None:
        self._texts = Texts([code.encode() for code in accounts.codes])

    def agree(self, texts: Texts, spans: Spans, places: Int64s) -> bool:
        """Whether these texts are the codes of the accounts at these places."""
        lengths = spans.ends - spans.starts
        if not np.array_equal(lengths, self._texts.lengths[places]):
            return False
        starts = self._texts.starts[places]
        whole = int(lengths.min(initial=0)) // _WORD * _WORD
        if whole and texts.cut(spans.starts, whole).tobytes() != self._texts.cut(starts, whole).tobytes():
            return False
        for at in range(whole, int(lengths.max(initial=0)), _WORD):
            more = np.flatnonzero(lengths > at)
            said = texts.cut(spans.starts[more] + at, _WORD).view(np.uint8).reshape(-1, _WORD)
            known = self._texts.cut(starts[more] + at, _WORD).view(np.uint8).reshape(-1, _WORD)
            if ((said != known) & (np.arange(_WORD) < (lengths[more] - at)[:, None])).any():
                return False
        return True


@dataclass(slots=True)
class Proven:
    """Outcomes that were proven, written in a few ways."""

    outcomes: Events
    alike: list[Alike]

    def count_sources(self, counts: Counter[tuple[str, int, str]]) -> None:
        """First outcomes by topic, partition and type."""
        for one in self.alike:
            if one.revision == 1:
                name, topic = self.outcomes.types[one.rows[0]], one.topic.decode()
                partitions, found = np.unique(one.partition, return_counts=True)
                for partition, events in zip(partitions.tolist(), found.tolist(), strict=True):
                    counts[topic, partition, name] += events


class AtOnce:
    """Proves what it can of a run of positions of one book."""

    def __init__(self, names: Names, source_ids: Mapping[str, int]) -> None:
        self._names = names
        self._source_ids = {uri.encode(): source_id for uri, source_id in source_ids.items()}

    @cached_property
    def _codes(self) -> AccountCodes:
        return AccountCodes(self._names.accounts)

    def prove(self, outcomes: Events, entries: Entries | None, inbox: InboxRows) -> tuple[Proven, Bools]:
        """What is proven, and which of the outcomes that are."""
        is_voucher, regular = _flags(outcomes.types)
        reader = AlikeReader(outcomes.states, is_voucher, regular)
        found = [one for one in reader.read() if names_known(one, self._names.assets)]
        proven = np.zeros(len(is_voucher), dtype=np.bool_)
        if found:
            beside = _Beside(reader.texts, outcomes, entries, inbox)
            found = [one for one in found if self._is_proven(one, beside, is_voucher)]
        for one in found:
            proven[one.rows] = True
        return Proven(outcomes, found), proven

    def _is_proven(self, alike: Alike, beside: "_Beside", is_voucher: Bools) -> bool:
        source_id = self._source_ids.get(alike.source)
        if source_id is None or not beside.inbox_agrees(alike, source_id):
            return False
        if not is_voucher[alike.rows[0]]:
            return beside.has_no_entries(alike)
        return beside.entries_agree(alike, self._names.assets, self._codes)


class _Beside:
    """Entries and inbox rows of the same positions as some outcomes."""

    def __init__(self, texts: Texts, outcomes: Events, entries: Entries | None, inbox: InboxRows) -> None:
        self._texts, self._entries, self._inbox = texts, entries, inbox
        self._positions = np.array(outcomes.positions, dtype=np.int64)
        held = np.empty(0, dtype=np.int64) if entries is None else entries.position
        self._first_entry = np.searchsorted(held, self._positions)
        self._entry_count = np.searchsorted(held, self._positions, side="right") - self._first_entry
        self._first_row = np.searchsorted(inbox.positions, self._positions)
        self._row_count = np.searchsorted(inbox.positions, self._positions, side="right") - self._first_row

    def inbox_agrees(self, alike: Alike, source_id: int) -> bool:
        """Each has one row of this source, its revision and its event id."""
        inbox, rows = self._inbox, self._first_row[alike.rows]
        if not (self._row_count[alike.rows] == 1).all():
            return False
        if not ((inbox.source_ids[rows] == source_id) & (inbox.revisions[rows] == alike.revision)).all():
            return False
        raw = self._texts.raw
        spans = zip(alike.event_ids.starts.tolist(), alike.event_ids.ends.tolist(), strict=True)
        said = b"\n".join([raw[start:end] for start, end in spans])  # no line feed is in any of them
        held = inbox.event_ids
        return said == "\n".join(held if len(rows) == len(held) else map(held.__getitem__, rows.tolist())).encode()

    def has_no_entries(self, alike: Alike) -> bool:
        return not self._entry_count[alike.rows].any()

    def entries_agree(self, alike: Alike, assets: Mapping[str, int], codes: AccountCodes) -> bool:
        """The lines of each are its entries, and nothing else is."""
        entries = self._entries
        if entries is None or not alike.lines or (self._entry_count[alike.rows] != len(alike.lines)).any():
            return False
        first = self._first_entry[alike.rows]
        for number, line in enumerate(alike.lines):
            at = first + number
            account = entries.account[at]
            same = (
                (entries.line[at] == number + 1)
                & (entries.amount[at] == line.amount)
                & (entries.is_debit[at] == line.is_debit)
                & (entries.asset[at] == assets[line.currency])
                & (entries.purpose[at] == line.purpose)
                & (entries.effective[at] == alike.effective)
                & (account >= 0)
            )
            if not same.all() or not codes.agree(self._texts, line.account, account):
                return False
        return True


def _flags(types: Sequence[str]) -> tuple[Bools, Bools]:
    """Which are vouchers, and which are of a type that may be proven here."""
    if types.count(VOUCHER_POSTED) == len(types):
        every = np.ones(len(types), dtype=np.bool_)
        return every, every.copy()
    return (
        np.array([name == VOUCHER_POSTED for name in types], dtype=np.bool_),
        np.array([name in REGULAR_TYPES for name in types], dtype=np.bool_),
    )


def unproven(proven: Bools, outcomes: Events, entries: Entries | None, inbox: InboxRows) -> "Rest":
    """What is left of a run of positions."""
    left = ~proven
    positions = np.array(outcomes.positions, dtype=np.int64)[proven]

    def others(held: Int64s) -> Bools:
        at = np.minimum(np.searchsorted(positions, held), len(positions) - 1)
        different: Bools = positions[at] != held
        return different

    if not len(positions):
        return Rest(outcomes, entries, inbox)
    if entries is not None:
        chosen = others(entries.position)
        entries = entries.some(chosen) if chosen.any() else None
    return Rest(outcomes.some(left.tolist()), entries, inbox.some(others(inbox.positions)))


@dataclass(slots=True)
class Rest:
    """Outcomes, and the rows beside them."""

    outcomes: Events
    entries: Entries | None
    inbox: InboxRows
