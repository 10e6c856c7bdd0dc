"""Events that tell what a voucher did besides: a limit that was crossed, an account that was closed.

They stand behind the arrivals of their batch, in the same block as the cause.

`cause_offset` leads from the event's position back to that of the voucher: their distance is known before the book
is locked, their places are not.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from ledger_core.domain.account_facts import Closing
from ledger_core.domain.cases import Crossing
from ledger_core.domain.outcomes import Outcome
from ledger_core.store.account_events import ACCOUNT_CLOSED, account_originator_id, changed_state
from ledger_core.store.items import ADDED, Item, OwnEvent

ACCOUNT_WENT_NEGATIVE: Final = "account.went_negative"
"""What is available fell below the minimum of an account that warns."""
ACCOUNT_WENT_OVER: Final = "account.went_over"
"""The balance rose above the maximum of an account that warns."""

_ORDINAL: Final = (1 << 16) - 1


def crossing_events(crossings: Sequence[Crossing], items: Sequence[Item]) -> list[Item]:
    """One event per crossing. `items` are all others of the batch, in the order of the log."""
    if not crossings:
        return []
    causes = {(item.book.book_id, item.reference): item for item in items}
    next_ordinal = Counter(item.book.book_id for item in items)
    added = []
    for crossing in crossings:
        book_id = crossing.head >> 32
        cause = causes[book_id, crossing.reference]
        offset = (crossing.reference & _ORDINAL) - next_ordinal[book_id]
        next_ordinal[book_id] += 1
        added.append(_event(crossing, cause, offset))
    return added


def _event(crossing: Crossing, cause: Item, cause_offset: int) -> Item:
    limit = "minimum_minor" if crossing.below else "maximum_minor"
    state: Mapping[str, object] = {
        "account": crossing.account, "currency": crossing.currency, "balance_minor": str(crossing.balance_minor),
        limit: str(crossing.limit_minor), "source": cause.incoming.source, "event_id": cause.incoming.event_id,
        "cause_offset": cause_offset,
    }  # fmt: skip
    return _added(cause, orjson.dumps(state), OwnEvent(ACCOUNT_WENT_NEGATIVE if crossing.below else ACCOUNT_WENT_OVER))


def crossed_in(added: Sequence[Item]) -> list[str]:
    """Types of the events among these that tell of a limit."""
    told = (item.own.type for item in added if item.own is not None)
    return [name for name in told if name in (ACCOUNT_WENT_NEGATIVE, ACCOUNT_WENT_OVER)]


def closing_events(closings: Sequence[Closing], items: Sequence[Item], added: Sequence[Item]) -> list[Item]:
    """The end of each account that a voucher emptied, behind what was added before."""
    if not closings:
        return []
    causes = {(item.book.book_id, item.reference): item for item in items}
    next_ordinal = Counter(item.book.book_id for item in (*items, *added))
    events = []
    for closing in closings:
        book_id = closing.head >> 32
        cause = causes[book_id, closing.reference]
        offset = (closing.reference & _ORDINAL) - next_ordinal[book_id]
        next_ordinal[book_id] += 1
        said = {"source": cause.incoming.source, "event_id": cause.incoming.event_id, "cause_offset": offset}
        account = closing.fact.account
        originator_id = account_originator_id(cause.book.code, account)
        own = OwnEvent(ACCOUNT_CLOSED, account, originator_id, closing.version)
        events.append(_added(cause, changed_state(closing.fact, said), own))
    return events


def _added(cause: Item, state: bytes, own: OwnEvent) -> Item:
    return Item(
        cause.subject_key, None, 0, None, (), None, cause.effective_at_us, 0,
        cause.incoming, cause.book, cause.source_id, cause.event_id, cause.fingerprint, ADDED,
        outcome=Outcome.RECORDED, state=state, own=own,
    )  # fmt: skip
