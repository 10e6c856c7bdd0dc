"""The bytes of an event's state: compact JSON, keys in one fixed order, no position in it.

By the rules of eventsourcing's mapper (attributes of the event class as one JSON object, `class_version` only
above 1), without building the class: see `events.py` for the classes that read these bytes.
"""

from collections.abc import Iterable

import numpy as np
import orjson

from ledger_core.domain.incoming import Incoming
from ledger_core.domain.outcomes import Outcome, Refusal
from ledger_core.domain.vouchers import Draft, Purpose

VOUCHER_POSTED = "voucher.posted"
FACT_RECORDED = "fact.recorded"
EVENT_REJECTED = "event.rejected"
EVENT_PARKED = "event.parked"
EVENT_SKIPPED = "event.skipped"

TYPE_OF_OUTCOME = {
    Outcome.POSTED: VOUCHER_POSTED,
    Outcome.RECORDED: FACT_RECORDED,
    Outcome.REJECTED: EVENT_REJECTED,
    Outcome.PARKED: EVENT_PARKED,
    Outcome.SKIPPED: EVENT_SKIPPED,
}

PURPOSE_NAMES = ["", *(purpose.name.lower() for purpose in Purpose)]

_RECORDED_KINDS = {"payment.authorized": "authorization", "payment.voided": "void"}


def rfc3339(moments_us: Iterable[int]) -> list[str]:
    """Microseconds since 1970 as RFC 3339 in UTC, a whole column at once."""
    column = np.fromiter(moments_us, dtype=np.int64).view("M8[us]")
    return [text + "Z" for text in np.datetime_as_string(column, unit="us").tolist()]


def _event(incoming: Incoming, effective_at: str, revision: int) -> dict[str, object]:
    record = incoming.record
    state: dict[str, object] = {
        "effective_at": effective_at,
        "source": incoming.source,
        "event_id": incoming.event_id,
        "event_type": incoming.event_type,
        "cause": (record.topic, record.partition, record.offset),
    }
    if revision > 1:
        state["revision"] = revision
    return state


def voucher_state(incoming: Incoming, draft: Draft, effective_at: str, revision: int = 1) -> bytes:
    """State of `voucher.posted`. The amount is the fact's own, or the sum of debits where it has none."""
    fact = incoming.fact
    record = incoming.record
    state: dict[str, object] = {
        "kind": draft.kind,
        "rule": draft.rule,
        "effective_at": effective_at,
        "source": incoming.source,
        "event_id": incoming.event_id,
        "event_type": incoming.event_type,
        "cause": (record.topic, record.partition, record.offset),
    }
    if revision > 1:
        state["revision"] = revision
    amount_minor = getattr(fact, "amount_minor", None)
    if amount_minor is None:
        amount_minor = sum(line.amount_minor for line in draft.lines if line.side == "D")
    state["amount_minor"] = str(amount_minor)
    state["currency"] = draft.lines[0].currency
    state["lines"] = [
        (account, side, str(amount), currency, PURPOSE_NAMES[purpose])
        for account, side, amount, currency, purpose in draft.lines
    ]
    return orjson.dumps(state)


def fact_state(incoming: Incoming, effective_at: str, revision: int = 1) -> bytes:
    """State of `fact.recorded`: a fact without entries."""
    fact = incoming.fact
    family = incoming.event_type.rpartition(".v")[0]
    state: dict[str, object] = {
        "kind": _RECORDED_KINDS.get(family, family),
        **_event(incoming, effective_at, revision),
    }
    for name in ("amount_minor", "currency", "method"):
        value = getattr(fact, name, None)
        if value is not None:
            state[name] = str(value)
    return orjson.dumps(state)


def refused_state(incoming: Incoming, refusal: Refusal, effective_at: str, revision: int = 1) -> bytes:
    """State of `event.rejected` and `event.parked`."""
    state: dict[str, object] = {
        "code": refusal.code.value,
        "detail": refusal.detail,
        **_event(incoming, effective_at, revision),
    }
    if refusal.waits_for:
        state["waits_for"] = refusal.waits_for
    return orjson.dumps(state)
