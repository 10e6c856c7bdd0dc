"""The quick proof: a whole bucket of events at once, where all is written as our encoder writes it and all agrees.

It only ever says "proven" or "look closer". Whatever is irregular (an escape in a text, a conflict, a difference)
sends the bucket to the comparison one by one, which decodes every state and names what is wrong.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
import orjson

from ledger_core.domain.vouchers import Purpose
from ledger_core.store.columns import Int64s
from ledger_core.store.verify.accounts import Accounts, Entries
from ledger_core.store.verify.inbox import InboxRows
from ledger_core.store.verify.lines import POSTGRES_EPOCH

VOUCHER_POSTED: Final = "voucher.posted"
REGULAR_TYPES: Final = frozenset({VOUCHER_POSTED, "fact.recorded"})

_TEXT: Final = rb'"([^"\\\n]*)"'
_SKIPPED: Final = rb'"[^"\\\n]*"'
_LINKS: Final = rb',"reverses":\[(?:\{"position":\d+,"voucher_no":\d+,"event_type":"[\w.]+"\},?)+\]'
_STEP: Final = (
    rb',"(?:refund|chargeback|settlement|payout|fee)_id":' + _SKIPPED + rb'(?:,"failure_reason":' + _SKIPPED
    + rb')?(?:,"reference":' + _SKIPPED + rb')?(?:,"fee_minor":"\d+")?(?:,"platform_fee":"kept")?'
)  # fmt: skip
_PROOF: Final = (
    rb',"gateway_transaction_id":' + _SKIPPED + rb',"gateway_response":' + _SKIPPED + rb',"order_status":"SHIPPED"|'
    rb',"confirmed_by":' + _SKIPPED + rb',"confirmed_at":' + _SKIPPED + rb',"order_status":"DELIVERED"'
)  # fmt: skip
_PAID: Final = (
    rb'(?:,"method":' + _SKIPPED + rb'(?:,"partial":true)?)?(?:,"reason":' + _SKIPPED + rb')?(?:,"payment_id":'
    + _SKIPPED + rb")?"
)  # fmt: skip
_MIRRORED: Final = rb'(?:,"mirrored":\[[^\n{}\[\]\\]*\])?'
_COMMISSIONS: Final = rb'(?:,"commissions":\{[^\n{}\[\]\\]*\})?'
STATE: Final = re.compile(
    rb'^\{"kind":"[^"\\\n]*"(?:,"rule":' + _SKIPPED + rb')?,"effective_at":"([^"\\\n]{26})Z"'
    rb',"source":' + _TEXT + rb',"event_id":' + _TEXT + rb',"event_type":' + _TEXT + rb',"cause":\[' + _TEXT
    + rb',(\d+),\d+\](?:,"revision":(\d{1,4}))?(?:,"amount_minor":"(\d{1,18})")?(?:,"currency":"\w+")?'
    rb'(?:,"lines":\[(\[[^\n{]*\])\])?' + _PAID + rb"(?:" + _STEP + rb")?(?:" + _PROOF
    + rb")?(?:" + _LINKS + _MIRRORED + _COMMISSIONS
    + rb'(?:,"reason":' + _SKIPPED + rb')?(?:,"requested_by":' + _SKIPPED + rb")?)?"
    + _MIRRORED + _COMMISSIONS + rb"\}$",
    re.MULTILINE,
)  # fmt: skip


@dataclass(slots=True)
class RegularStates:
    """States of outcomes, in columns. Texts are the bytes between their quotes."""

    positions: list[int]
    types: list[str]
    order_keys: list[str]
    effective: list[bytes]
    sources: list[bytes]
    event_ids: list[bytes]
    kinds: list[bytes]
    """Upstream types of what was accepted."""
    topics: list[bytes]
    partitions: list[int]
    revisions: list[int]
    amounts: list[int]
    lines: list[bytes]


def read_regular(
    positions: Sequence[int], types: Sequence[str], order_keys: Sequence[str], states: Sequence[bytes]
) -> RegularStates | None:
    """Outcomes in columns, or None when one of them is not written the way that our encoder writes."""
    regular = [name in REGULAR_TYPES for name in types]
    if all(regular):
        rows = _match(states)
    else:
        matched = iter(_match([state for state, plain in zip(states, regular, strict=True) if plain]))
        rows = [next(matched, ()) if plain else _refusal(state) for state, plain in zip(states, regular, strict=True)]
    if len(rows) != len(states) or () in rows:
        return None
    if not rows:
        return RegularStates([], [], [], [], [], [], [], [], [], [], [], [])
    effective, sources, event_ids, kinds, topics, partitions, revisions, amounts, lines = map(
        list, zip(*rows, strict=True)
    )
    return RegularStates(
        list(positions), list(types), list(order_keys), effective, sources, event_ids, kinds, topics,
        list(map(int, partitions)),
        [int(revision or 1) for revision in revisions],
        [int(amount or 0) for amount in amounts],
        lines,
    )  # fmt: skip


Row = tuple[bytes, ...]


def _match(states: Sequence[bytes]) -> list[Row]:
    """Nothing unless every state matches, and is one line."""
    text = b"\n".join(states)
    rows: list[Row] = STATE.findall(text)
    return rows if len(rows) == len(states) and text.count(b"\n") == len(states) - 1 else []


def _refusal(state: bytes) -> Row:
    """A refusal has free text in it, so it is decoded; there are few."""
    try:
        document: dict[str, Any] = orjson.loads(state)
        if "group" in document or "parked_at" in document:
            return ()
        topic, partition, _ = document["cause"]
        texts = [document[name].encode() for name in ("effective_at", "source", "event_id")]
        revision = b"%d" % document.get("revision", 1)
        return *texts, b"", topic.encode(), b"%d" % partition, revision, b"", b""
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


def inbox_agrees(states: RegularStates, rows: InboxRows, source_ids: Mapping[str, int]) -> bool:
    """Each outcome has its inbox row and each row its outcome, in the same order."""
    ids = {uri.encode(): source_id for uri, source_id in source_ids.items()}
    return (
        rows.positions.tolist() == states.positions
        and "\n".join(rows.event_ids).encode() == b"\n".join(states.event_ids)
        and rows.source_ids.tolist() == [ids.get(source) for source in states.sources]
        and rows.revisions.tolist() == states.revisions
    )


def entries_agree(
    states: RegularStates, entries: Entries | None, accounts: Accounts, currencies: Mapping[int, str]
) -> bool:
    """The vouchers' lines are, byte for byte, what entries give when written the way that vouchers are."""
    vouchers = [name == VOUCHER_POSTED for name in states.types]
    positions = np.array(states.positions, dtype=np.int64)[vouchers]
    if entries is None or not len(positions):
        return entries is None and not len(positions)
    starts = np.flatnonzero(np.r_[True, entries.position[1:] != entries.position[:-1]])
    if not np.array_equal(entries.position[starts], positions) or (entries.account < 0).any():
        return False
    sizes = np.diff(np.r_[starts, len(entries.position)])
    times = np.array(states.effective, dtype="S26")[vouchers]
    try:
        effective = (times.astype("M8[us]") - POSTGRES_EPOCH).astype(np.int64)
    except ValueError:
        return False
    if not np.array_equal(np.repeat(effective, sizes), entries.effective):
        return False
    said = [lines for lines, voucher in zip(states.lines, vouchers, strict=True) if voucher]
    return _written(entries, starts, accounts, currencies) == b"\n" + b"\n".join(said)


def _written(entries: Entries, starts: Int64s, accounts: Accounts, currencies: Mapping[int, str]) -> bytes:
    """Lines of entries as vouchers write them; a line feed goes before each voucher."""
    first = np.zeros(len(entries.position), dtype=np.int64)
    first[starts] = 1
    heads, head = np.unique(entries.account * 4 + entries.is_debit * 2 + first, return_inverse=True)
    openings = (",[", "\n[")
    before = [f'{openings[code & 1]}"{accounts.codes[code >> 2]}","{"CD"[code >> 1 & 1]}","' for code in heads.tolist()]
    tails, tail = np.unique(entries.asset * 1024 + entries.purpose, return_inverse=True)
    after = [f'","{currencies.get(code >> 10, "?")}","{_purpose_name(code & 1023)}"]' for code in tails.tolist()]
    parts = zip(
        map(before.__getitem__, head.tolist()),
        map(str, entries.amount.tolist()),
        map(after.__getitem__, tail.tolist()),
        strict=True,
    )
    return "".join(chain.from_iterable(parts)).encode()


def _purpose_name(purpose: int) -> str:
    try:
        return Purpose(purpose).name.lower()
    except ValueError:
        return "?"


def count_sources(states: RegularStates) -> Counter[tuple[str, int, str]]:
    """First outcomes by topic, partition and type."""
    caused: Counter[tuple[bytes, int, str]]
    if set(states.revisions) == {1}:
        caused = Counter(zip(states.topics, states.partitions, states.types, strict=True))
    else:
        rows = zip(states.topics, states.partitions, states.types, states.revisions, strict=True)
        caused = Counter((topic, partition, name) for topic, partition, name, revision in rows if revision == 1)
    return Counter({(topic.decode(), partition, name): n for (topic, partition, name), n in caused.items()})
