"""The rows of a batch as binary COPY buffers: fixed-width columns by numpy, variable ones joined.

All that is known before the lock is laid out before BEGIN (`lay_out`); positions, voucher numbers and
balances are filled in under lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from struct import Struct
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ledger_core.domain.cases import PartKey, SubjectKey
from ledger_core.domain.decide import Numbered
from ledger_core.domain.outcomes import Outcome
from ledger_core.domain.parts import Part
from ledger_core.domain.subjects import Subject
from ledger_core.store.blocks import leaf_hash, leaf_marks, leaf_prefix, merkle_root, plain_leaf
from ledger_core.store.columns import POSTGRES_EPOCH_US, Int64s, bigints, field_bytes
from ledger_core.store.encoding import TYPE_OF_OUTCOME
from ledger_core.store.items import FOLLOWER, Item

_TYPE_BYTES = {outcome: (leaf_prefix(name), field_bytes(name.encode())) for outcome, name in TYPE_OF_OUTCOME.items()}

_EVENT_HEAD = np.dtype(
    [("fields", ">i2"), ("l1", ">i4"), ("position", ">i8"), ("l2", ">i4"), ("voucher_no", ">i8"), ("l3", ">i4"),
     ("book", ">i4"), ("no_version", ">i4"), ("no_originator", ">i4")]
)  # fmt: skip

_ENTRY = np.dtype(
    [("fields", ">i2"), ("l1", ">i4"), ("sequence", ">i8"), ("l2", ">i4"), ("position", ">i8"), ("l3", ">i4"),
     ("amount", ">i8"), ("l4", ">i4"), ("running", ">i8"), ("l5", ">i4"), ("effective", ">i8"), ("l6", ">i4"),
     ("book", ">i4"), ("l7", ">i4"), ("account", ">i4"), ("l8", ">i4"), ("line", ">i2"), ("l9", ">i4"),
     ("purpose", ">i2"), ("l10", ">i4"), ("asset", ">i2"), ("l11", ">i4"), ("side", "S1"), ("l12", ">i4")]
)  # fmt: skip
_ENTRY_LENGTHS = {
    "l1": 8,
    "l2": 8,
    "l3": 8,
    "l4": 8,
    "l5": 8,
    "l6": 4,
    "l7": 4,
    "l8": 2,
    "l9": 2,
    "l10": 2,
    "l11": 1,
    "l12": 0,
}


NULL = b"\xff\xff\xff\xff"
"""A field without a value."""


@dataclass(slots=True)
class Span:
    """The events of one book in this batch: items[start:stop], sealed as one block."""

    book_id: int
    start: int
    stop: int
    vouchers: int
    merkle_root: bytes
    leaf_marks: bytes
    min_effective_us: int
    chart_version: int


@dataclass(slots=True)
class Layout:
    """A batch as columns. `accounts` are the distinct heads in lock order; `account[i]` is entry i's place in it."""

    spans: list[Span]
    texts: list[bytes]
    """Of each event what stands between its fixed head and its state: type, order key, length of the state."""
    states: list[bytes]
    is_voucher: Int64s
    heads: Int64s
    account: Int64s
    amounts: Int64s
    is_debit: NDArray[np.bool_]
    item: Int64s
    line: Int64s
    purpose: Int64s
    asset: Int64s
    effective_us: Int64s
    order_keys: dict[int, bytes]
    """Per entry on a keyed account: its order key."""
    originators: dict[int, tuple[UUID, int]]
    """Per event of an aggregate: its id and version."""


END_OF_TIME_US = 253_402_300_799_999_999
"""9999-12-31, for a book without vouchers in this batch: no closed period reaches that far."""


def lay_out(items: Sequence[Item], own: Sequence[int] = ()) -> Layout:
    """Columns of items that stand grouped by book. `own` are the places of those with an event of their own type."""
    texts: list[bytes] = []
    leaves: list[bytes] = []
    for item in items:
        prefix, type_field = _TYPE_BYTES[item.outcome]
        key, state = item.incoming.order_key.encode(), item.state
        texts.append(b"".join((type_field, len(key).to_bytes(4, "big"), key, len(state).to_bytes(4, "big"))))
        leaves.append(plain_leaf(prefix, key, state))
    originators: dict[int, tuple[UUID, int]] = {}
    for place in own:
        texts[place], leaves[place] = _own_event(items[place], place, originators)
    movements = [movement for item in items for movement in item.entries]
    entry_heads, assets, keyed, lines = zip(*movements, strict=True) if movements else ((), (), (), ())
    _, sides, amounts, _, purposes = zip(*lines, strict=True) if lines else ((), (), (), (), ())
    counts = np.array([len(item.entries) for item in items], dtype=np.int64)
    owner = np.repeat(np.arange(len(items), dtype=np.int64), counts)
    first = np.cumsum(counts) - counts
    heads, account = np.unique(np.array(entry_heads, dtype=np.int64), return_inverse=True)
    effective = np.array([item.effective_at_us for item in items], dtype=np.int64)
    return Layout(
        spans=_spans(items, leaves),
        texts=texts,
        states=[item.state for item in items],
        is_voucher=np.array([item.outcome is Outcome.POSTED for item in items], dtype=np.int64),
        heads=heads,
        account=account.astype(np.int64),
        amounts=np.array(amounts, dtype=np.int64),
        is_debit=np.array(sides, dtype="U1") == "D",
        item=owner,
        line=np.arange(len(owner), dtype=np.int64) - first[owner] + 1,
        purpose=np.array(purposes, dtype=np.int64),
        asset=np.array(assets, dtype=np.int64),
        effective_us=effective[owner],
        order_keys={n: items[owner[n]].incoming.order_key.encode() for n, is_keyed in enumerate(keyed) if is_keyed}
        if True in keyed
        else {},
        originators=originators,
    )


def _own_event(item: Item, place: int, originators: dict[int, tuple[UUID, int]]) -> tuple[bytes, bytes]:
    """Texts and leaf of an event that is not named by its outcome."""
    own = item.own
    assert own is not None
    if own.originator_id is not None and own.originator_version is not None:
        originators[place] = (own.originator_id, own.originator_version)
    texts = (own.type.encode(), own.order_key.encode())
    row = b"".join((*map(field_bytes, texts), len(item.state).to_bytes(4, "big")))
    return row, leaf_hash(own.type, own.order_key, own.originator_id, own.originator_version, item.state)


def _spans(items: Sequence[Item], leaves: Sequence[bytes]) -> list[Span]:
    spans: list[Span] = []
    start = 0
    while start < len(items):
        book = items[start].book
        book_id = book.book_id
        stop = start
        vouchers = 0
        earliest = END_OF_TIME_US
        while stop < len(items) and items[stop].book.book_id == book_id:
            if items[stop].outcome is Outcome.POSTED:
                vouchers += 1
                earliest = min(earliest, items[stop].effective_at_us)
            stop += 1
        own = leaves[start:stop]
        sealed = merkle_root(own), leaf_marks(own)
        spans.append(Span(book_id, start, stop, vouchers, *sealed, earliest, book.chart.version))
        start = stop
    return spans


@cache
def _inbox_row(key_length: int, fingerprint_length: int) -> Struct:
    return Struct(f">hiqiiiiiiihi{key_length}si{fingerprint_length}s")


def inbox_rows(items: Sequence[Item], batch_id: int, first_ordinals: Mapping[int, int] | None = None) -> list[bytes]:
    """Rows of the inbox in key order; ordinals count per book in the order of `items`, from 0 or as given."""
    rows: list[tuple[int, int, str, int, bytes]] = []
    ordinal = 0
    previous = -1
    for item in items:
        book_id = item.book.book_id
        ordinal = ordinal + 1 if book_id == previous else (first_ordinals or {}).get(book_id, 0)
        previous = book_id
        if item.arrival == FOLLOWER:
            continue
        key, fingerprint = item.event_id.encode(), item.fingerprint
        row = _inbox_row(len(key), len(fingerprint)).pack(
            7, 8, batch_id, 4, book_id, 4, item.source_id, 4, ordinal, 2, item.revision, len(key), key,
            len(fingerprint), fingerprint,
        )  # fmt: skip
        rows.append((book_id, item.source_id, item.event_id, item.revision, row))
    rows.sort()
    return [row[4] for row in rows]


@cache
def _subject_row(key_length: int) -> Struct:
    return Struct(f">hiii{key_length}siqiqiqihi?ii")


def subject_rows(predicted: Mapping[SubjectKey, Subject]) -> list[bytes]:
    """Rows of subjects in key order, for order keys that the store does not know yet."""
    rows = []
    for subject_key in sorted(predicted):
        book_id, order_key = subject_key
        subject = predicted[subject_key]
        key, captures = order_key.encode(), subject.captures
        row = _subject_row(len(key)).pack(
            9, 4, book_id, len(key), key, 8, subject.authorised_minor, 8, subject.captured_minor,
            8, subject.refunded_minor, 2, subject.asset_id, 1, subject.voided, 4, subject.parked,
        )  # fmt: skip
        rows.append(
            row + (_ONE_BIGINT.pack(32, 1, 0, 20, 1, 1, 8, captures[0]) if len(captures) == 1 else bigints(captures))
        )
    return rows


_ONE_BIGINT = Struct(">iiiiiiiq")


@cache
def _part_row(key_length: int, kind_length: int, id_length: int) -> Struct:
    return Struct(f">hiii{key_length}si{kind_length}si{id_length}siqiqiqih")


def part_rows(parts: Mapping[PartKey, Part]) -> list[bytes]:
    """Rows of parts in key order, for order keys that the store does not know yet."""
    rows = []
    for key in sorted(parts):
        part = parts[key]
        book_id, order_key, kind, part_id = key[0], key[1].encode(), key[2].encode(), key[3].encode()
        row = _part_row(len(order_key), len(kind), len(part_id)).pack(
            9, 4, book_id, len(order_key), order_key, len(kind), kind, len(part_id), part_id,
            8, part.told, 8, part.amount_minor, 8, part.used_minor, 2, part.asset_id,
        )  # fmt: skip
        rows.append(row + bigints(part.vouchers))
    return rows


def event_rows(layout: Layout, books: Int64s, positions: Int64s, voucher_nos: Int64s) -> list[bytes]:
    """Rows of events: a fixed head that the lock filled in, the rest as it was ready before."""
    heads = np.zeros(len(positions), dtype=_EVENT_HEAD)
    heads["fields"] = 8
    heads["l1"] = heads["l2"] = 8
    heads["l3"] = 4
    heads["position"], heads["voucher_no"], heads["book"] = positions, voucher_nos, books
    heads["no_version"] = heads["no_originator"] = -1
    raw = heads.tobytes()
    size = _EVENT_HEAD.itemsize
    slices = [raw[at : at + size] for at in range(0, len(raw), size)]
    for place, (originator_id, version) in layout.originators.items():
        head = slices[place][: -2 * len(NULL)]
        slices[place] = b"".join((head, field_bytes(version.to_bytes(4, "big")), field_bytes(originator_id.bytes)))
    return list(chain.from_iterable(zip(slices, layout.texts, layout.states, strict=True)))


def entry_rows(layout: Layout, numbered: Numbered, positions: Int64s) -> list[bytes]:
    """Rows of entries, sorted by account and posting_sequence: neighbours in the index are neighbours here."""
    order = numbered.order
    rows = np.zeros(len(order), dtype=_ENTRY)
    rows["fields"] = 12
    for name, length in _ENTRY_LENGTHS.items():
        rows[name] = length
    heads = layout.heads[layout.account[order]]
    rows["sequence"] = numbered.posting_sequence
    rows["position"] = positions[layout.item[order]]
    rows["amount"] = layout.amounts[order]
    rows["running"] = numbered.running_minor
    rows["effective"] = layout.effective_us[order] - POSTGRES_EPOCH_US
    rows["book"] = heads >> 32
    rows["account"] = heads & 0xFFFFFFFF
    rows["line"] = layout.line[order]
    rows["purpose"] = layout.purpose[order]
    rows["asset"] = layout.asset[order]
    rows["side"] = np.where(layout.is_debit[order], b"D", b"C")
    if not layout.order_keys:
        return [rows.tobytes()]
    return _with_order_keys(rows, order, layout.order_keys)


def _with_order_keys(rows: NDArray[np.void], order: Int64s, order_keys: Mapping[int, bytes]) -> list[bytes]:
    """Splices order keys in where accounts are keyed: only there does a row have a variable part."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order), dtype=np.int64)
    raw = memoryview(rows.tobytes())
    size = _ENTRY.itemsize
    parts: list[bytes] = []
    done = 0
    for at, entry in sorted((int(place[entry]), entry) for entry in order_keys):
        key = order_keys[entry]
        end = (at + 1) * size - 4
        parts += (bytes(raw[done:end]), len(key).to_bytes(4, "big"), key)
        done = end + 4
    parts.append(bytes(raw[done:]))
    return parts
