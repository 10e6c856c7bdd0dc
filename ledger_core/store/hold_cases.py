"""Holds on the exact path: their rows are read once their subjects are locked, and only then captures are proposed.

What a capture posts depends on its hold's account and currency, which stand in its row, or in a placing of this very
batch. A batch without hold events comes here for nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ledger_core.domain.cases import Decision, SubjectKey
from ledger_core.domain.holds import HOLD_FACTS, HoldCaptured, HoldPlaced, HoldTerms
from ledger_core.domain.outcomes import Code, Outcome
from ledger_core.rules.holds import OTHER, with_side
from ledger_core.store.errors import SurpriseError
from ledger_core.store.hold_rows import QUERIES, HoldRows
from ledger_core.store.items import Item, settle
from ledger_core.store.prepare import Preparer
from ledger_core.store.transaction import Transaction


def read_holds(transaction: Transaction, items: Sequence[Item], preparer: Preparer) -> HoldRows | None:
    """The holds that these items are about, and the items made ready to be decided; None where there are none.

    Raises `HoldsDueError` when the time of one has come.
    """
    items = [item for item in items if isinstance(item.fact, HOLD_FACTS)]
    if not items:
        return None
    rows = HoldRows(transaction.cursor)
    rows.read([item.subject_key for item in items], _moment(transaction))
    _choose_sides(items, preparer)
    _propose_captures(transaction, items, rows, preparer)
    return rows


def _moment(transaction: Transaction) -> datetime:
    """Asked once for a batch, however often it starts over."""
    prepared = transaction.prepared
    if prepared.moment is None:
        row = transaction.cursor.execute(QUERIES["moment"]).fetchone()
        assert row is not None
        prepared.moment = row[0]
    return prepared.moment


def _choose_sides(items: Sequence[Item], preparer: Preparer) -> None:
    """A hold that names no side is on the one that lowers its account's balance, which the account's type tells."""
    open_sided = [item for item in items if isinstance(item.fact, HoldPlaced) and item.fact.side is None]
    if open_sided:
        preparer.propose_again(open_sided)
    for item in open_sided:
        if item.draft is None or not item.movements:
            continue
        (movement,) = item.movements
        account = preparer.unopened.by_head.get(movement.head)
        ref = item.book.accounts[movement.line.account] if account is None else account.ref
        side = OTHER[ref.normal_side]
        line = movement.line._replace(side=side)
        item.movements = [movement._replace(line=line)]
        item.draft = replace(item.draft, lines=[line], details=with_side(item.draft.details, side))
        settle(item, Outcome.RECORDED, None, item.draft, ())


def _propose_captures(transaction: Transaction, items: Sequence[Item], rows: HoldRows, preparer: Preparer) -> None:
    """Captures by the terms of their holds; one whose hold nobody placed keeps its refusal."""
    terms: dict[SubjectKey, HoldTerms] = {**transaction.prepared.hold_terms}
    terms.update((key, hold.terms) for key, hold in rows.known.items())
    ready = []
    for item in items:
        if isinstance(item.fact, HoldPlaced):
            for movement in item.movements:
                line = movement.line
                terms.setdefault(item.subject_key, HoldTerms(line.account, line.side, line.currency))
    for item in items:
        if isinstance(item.fact, HoldCaptured):
            item.fact.terms = terms.get(item.subject_key)
            unknown = item.refusal is not None and item.refusal.code is Code.HOLD_UNKNOWN
            if item.fact.terms is not None and (unknown or item.refusal is None):
                item.refusal = None
                ready.append(item)
    if ready:
        preparer.propose_again(ready)


def demand_terms(transaction: Transaction, decision: Decision, rows: HoldRows) -> None:
    """Two placings of one id in one batch, of which the first was refused: captures start over by the second."""
    other = transaction.prepared.hold_terms
    before = len(other)
    for ruling in (*decision.arrivals, *decision.healed):
        fact, key = ruling.case.fact, ruling.case.subject_key
        hold = rows.known.get(key)
        if isinstance(fact, HoldCaptured) and hold is not None and fact.terms not in (None, hold.terms):
            other[key] = hold.terms
    if len(other) > before:
        raise SurpriseError("a hold was placed on other terms than it seemed")
