"""Step 3 on the exact path: the rows of order keys, locked, inserted where they are new, and written back.

Rows that exist are locked first, in key order; then new ones are copied in, in key order, as they will be if nothing
is refused. A row that another worker inserts in between violates the key, and the batch starts over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ledger_core.domain.cases import SubjectKey
from ledger_core.domain.life_cycles import HAVE_SUBJECT
from ledger_core.domain.subjects import Subject
from ledger_core.store.items import Item
from ledger_core.store.rows import subject_rows
from ledger_core.store.transaction import QUERIES, Transaction


def key_columns(keys: Iterable[SubjectKey]) -> dict[str, list[int] | list[str]]:
    """Keys as two parameters, sorted."""
    ordered = sorted(keys)
    return {"books": [book_id for book_id, _ in ordered], "keys": [key for _, key in ordered]}


class SubjectRows:
    """Subjects under lock. `known` is what decisions read and change; `locked` are the keys that have a row."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._stored: dict[SubjectKey, Subject] = {}
        self.known: dict[SubjectKey, Subject] = {}
        self.locked: frozenset[SubjectKey] = frozenset()
        self.met_known = False

    def lock(self, items: Sequence[Item]) -> None:
        """Locks the rows of all order keys here, and inserts those that decisions need."""
        needed, keys, looked_at = self._wanted(items)
        if not keys and not looked_at:
            return
        rows = self._transaction.cursor.execute(QUERIES["lock_subjects"], key_columns(keys | looked_at)).fetchall()
        for book_id, order_key, authorised, captured, refunded, asset_id, voided, parked, marks, captures in rows:
            if not parked and (book_id, order_key) not in keys:
                continue
            self.met_known = True
            subject = Subject(authorised, captured, refunded, asset_id, voided, parked, marks, captures.tolist())
            self.known[book_id, order_key] = subject
            self._stored[book_id, order_key] = replace(subject, captures=list(subject.captures))
        predicted = self._transaction.prepared.new_subjects
        inserted = {key: predicted.get(key) or Subject() for key in needed if key not in self.known}
        if inserted:
            self._transaction.copy("copy_subjects", subject_rows(inserted))
            self._stored.update(inserted)
            self.known.update((key, Subject()) for key in inserted)
        self.locked = frozenset(self.known)

    def _wanted(self, items: Sequence[Item]) -> tuple[set[SubjectKey], set[SubjectKey], set[SubjectKey]]:
        """Keys that need a row, keys that decisions read, and those of events that are rejected whatever is known:
        of interest only where something is parked, for that may wait for this very event."""
        every = self._transaction.prepared.lock_every_key
        needed: set[SubjectKey] = set(self._transaction.prepared.drain)
        keys: set[SubjectKey] = set(needed)
        looked_at: set[SubjectKey] = set()
        for item in items:
            refusal = item.refusal
            if refusal is not None and refusal.final:
                looked_at.add(item.subject_key)
                continue
            keys.add(item.subject_key)
            if every or refusal is not None or type(item.fact) in HAVE_SUBJECT:
                needed.add(item.subject_key)
        return needed, keys, looked_at

    def update(self) -> None:
        """Writes back what decisions changed, and only that."""
        changed = sorted(key for key, subject in self.known.items() if subject != self._stored.get(key))
        if not changed:
            return
        rows = [self.known[key] for key in changed]
        self._transaction.cursor.execute(
            QUERIES["update_subjects"],
            {
                **key_columns(changed),
                "authorised": [subject.authorised_minor for subject in rows],
                "captured": [subject.captured_minor for subject in rows],
                "refunded": [subject.refunded_minor for subject in rows],
                "assets": [subject.asset_id for subject in rows],
                "voided": [subject.voided for subject in rows],
                "parked": [subject.parked for subject in rows],
                "marks": [subject.marks for subject in rows],
                "captures": ["{" + ",".join(map(str, subject.captures)) + "}" for subject in rows],
            },
        )
