"""The bytes of an event's state: compact JSON, keys in one fixed order, no position in it.

By the rules of eventsourcing's mapper (attributes of the event class as one JSON object, `class_version` only
above 1), without building the class: see `events.py` for the classes that read these bytes.
"""

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

import numpy as np
import orjson

from ledger_core.domain.incoming import Incoming
from ledger_core.domain.outcomes import Outcome, Refusal
from ledger_core.domain.payments import PaymentAuthorizationExpired, PaymentCaptured, PaymentVoided
from ledger_core.domain.stories import ID_OF
from ledger_core.domain.vouchers import Draft, Purpose, Skipped

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

_WITH_REASON = (PaymentVoided, PaymentAuthorizationExpired)
"""Facts whose reason no draft says."""

PURPOSE_NAMES = ["", *(purpose.name.lower() for purpose in Purpose)]

_RECORDED_KINDS = {
    "payment.authorized": "authorization",
    "payment.voided": "void",
    "payment.intent_created": "intent",
    "payment.authorization_expired": "authorization_expired",
    "payment.capture_failed": "capture_failed",
    "payment.failed": "failure",
    "hold.placed": "hold",
    "hold.released": "release",
    "reservation.held": "hold",
    "reservation.confirmed": "confirmation",
    "reservation.cancelled": "release",
    "payment_method.tokenized": "payment_method",
    "payment_method.detached": "payment_method",
}


def rfc3339(moments_us: Iterable[int]) -> list[str]:
    """Microseconds since 1970 as RFC 3339 in UTC, a whole column at once."""
    column = np.fromiter(moments_us, dtype=np.int64).view("M8[us]")
    return [text + "Z" for text in np.datetime_as_string(column, unit="us").tolist()]


def moment_us(text: str) -> int:
    """The moment that a state tells, in microseconds since 1970."""
    return int(np.datetime64(text.removesuffix("Z"), "us").astype(np.int64))


@lru_cache(maxsize=4096)
def _json_text(text: str) -> str:
    """A text that comes again and again (source, type, topic), as JSON."""
    return orjson.dumps(text).decode()


def _origin(incoming: Incoming, effective_at: str, revision: int, member: tuple[int, int] | None = None) -> str:
    """Members that every event has of the upstream event it answers."""
    record = incoming.record
    revised = f',"revision":{revision}' if revision > 1 else ""
    if member is not None:
        revised += f',"group":[{member[0]},{member[1]}]'
    if incoming.parked_at:
        revised += f',"parked_at":{incoming.parked_at}'
    return (
        f'"effective_at":"{effective_at}","source":{_json_text(incoming.source)},'
        f'"event_id":{orjson.dumps(incoming.event_id).decode()},"event_type":{_json_text(incoming.event_type)},'
        f'"cause":[{_json_text(record.topic)},{record.partition},{record.offset}]{revised}'
    )


def voucher_state(
    incoming: Incoming, draft: Draft, effective_at: str, revision: int = 1, member: tuple[int, int] | None = None
) -> bytes:
    """State of `voucher.posted`. Details come last.

    Written as text, in a third of a serialiser's time: account codes, currencies and names of kinds, rules and
    purposes need no escape, for their own checks allow no character that would.
    """
    lines = draft.lines
    fact = incoming.fact
    amount_minor = draft.amount_of(fact)
    paid = _paid(fact.method, fact.partial) if isinstance(fact, PaymentCaptured) else ""
    written = ",".join(
        [
            f'["{account}","{side}","{amount}","{asset}","{PURPOSE_NAMES[purpose]}"]'
            for account, side, amount, asset, purpose in lines
        ]
    )
    return (
        f'{{"kind":"{draft.kind}","rule":"{draft.rule}",{_origin(incoming, effective_at, revision, member)},'
        f'"amount_minor":"{amount_minor}","currency":"{lines[0].currency}","lines":[{written}]{paid}'
        f"{_payment_id(incoming)}{_details(draft.details)}}}"
    ).encode()


@lru_cache(maxsize=1024)
def _paid(method: str, partial: bool) -> str:  # a key of the cache
    """What a capture says beside its lines: a method comes again and again."""
    return f',"method":{_json_text(method)}' + (',"partial":true' if partial else "")


def _payment_id(incoming: Incoming) -> str:
    """The publisher's own name of a payment, where it is not the order key: of an order that is paid in several."""
    payment_id = getattr(incoming.fact, "payment_id", "")
    if not payment_id or payment_id == incoming.order_key:
        return ""
    return f',"payment_id":{orjson.dumps(payment_id).decode()}'


def fact_state(
    incoming: Incoming, effective_at: str, revision: int = 1, details: Mapping[str, object] | None = None
) -> bytes:
    """State of `fact.recorded`: a fact without entries. Details come last."""
    fact, said = incoming.fact, ""
    kind_of_fact: type = type(fact)
    for name in _told_by(kind_of_fact):
        value = getattr(fact, name)
        if value is not None and value != "":
            text = _json_text(value) if isinstance(value, str) else f'"{value}"'
            said += f',"{name}":{text}'
    kind = _recorded_kind(incoming.event_type)
    said += _payment_id(incoming)
    return f'{{"kind":{kind},{_origin(incoming, effective_at, revision)}{said}{_details(details)}}}'.encode()


@cache
def _told_by(fact: type) -> tuple[str, ...]:
    """Which of these a kind of fact may say: asked once a kind, not of every fact."""
    names = ("amount_minor", "currency", "method", *(("reason",) if fact in _WITH_REASON else ()))
    return tuple(name for name in names if hasattr(fact, name))


@lru_cache(maxsize=1024)
def _recorded_kind(event_type: str) -> str:
    """Of a fact without entries, as JSON."""
    family = event_type.rpartition(".v")[0]
    return _json_text(_RECORDED_KINDS.get(family, family))


def cause_of(incoming: Incoming, effective_at: str, revision: int = 1) -> dict[str, object]:
    """Which upstream event it was, as members of the state of an event that belongs to an aggregate."""
    record = incoming.record
    cause: dict[str, object] = {
        "effective_at": effective_at, "source": incoming.source, "event_id": incoming.event_id,
        "event_type": incoming.event_type, "cause": [record.topic, record.partition, record.offset],
    }  # fmt: skip
    return {**cause, "revision": revision} if revision > 1 else cause


def _details(details: Mapping[str, object] | None) -> str:
    """More members of a state, or nothing."""
    return f",{orjson.dumps(details)[1:-1].decode()}" if details else ""


def refused_state(
    incoming: Incoming, refusal: Refusal, effective_at: str, revision: int = 1, member: tuple[int, int] | None = None
) -> bytes:
    """State of `event.rejected` and `event.parked`. Where its data could be read it names the refund, the dispute … of
    which it would have been a step."""
    part = ID_OF.get(type(incoming.fact), "")
    about = f',"{part}":{orjson.dumps(getattr(incoming.fact, part)).decode()}' if part else ""
    detail = orjson.dumps(refusal.detail).decode()
    waits_for = f',"waits_for":{orjson.dumps(refusal.waits_for).decode()}' if refusal.waits_for else ""
    origin = _origin(incoming, effective_at, revision, member)
    return f'{{"code":"{refusal.code.value}","detail":{detail},{origin}{waits_for}{about}}}'.encode()


def skipped_state(incoming: Incoming, skipped: Skipped, effective_at: str, revision: int) -> bytes:
    """State of `event.skipped`."""
    origin = _origin(incoming, effective_at, revision)
    detail = orjson.dumps(skipped.detail).decode()
    return f'{{"code":"{skipped.reason.value}","detail":{detail},{origin}}}'.encode()
