"""States that are written alike, read as columns of bytes: no step in Python per event.

One state is read by the expression of `regular`. It shows which of its bytes vary from event to event (ids, amounts,
the moment, the offset, accounts) and which do not; quotes mark where those begin and end. Every state whose other bytes
are the same, and whose varying ones are of the same kind, says the same in the same places.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger_core.store.columns import Int64s
from ledger_core.store.verify.lines import POSTGRES_EPOCH, PURPOSES, SIDES
from ledger_core.store.verify.regular import STATE

Bools = NDArray[np.bool_]

MOST_PATTERNS: Final = 16
"""Tried on one run of positions. What is left is read one by one."""
FEWEST_STATES: Final = 32
"""Worth another pattern."""
MOST_DIGITS: Final = 18

_VARYING: Final = frozenset(
    b"effective_at event_id amount_minor fee_minor gateway_transaction_id gateway_response confirmed_by confirmed_at "
    b"payment_id refund_id chargeback_id settlement_id payout_id fee_id reference reason requested_by "
    b"failure_reason".split()
)
"""Members whose texts differ from event to event."""
_NUMBERS: Final = frozenset((b"amount_minor", b"fee_minor"))
_LINE: Final = re.compile(rb'\["([^"\\\n]*)","([DC])","(\d{1,18})","(\w+)","(\w+)"\]')
_QUOTE, _BACKSLASH, _LINE_FEED, _COMMA = b'"\\\n,'
_MOMENT: Final = slice(0, 26)
_GROUPS: Final = {"effective": 1, "source": 2, "event_id": 3, "kind": 4, "topic": 5, "revision": 7, "lines": 9}


class Texts:
    """Many texts as one run of bytes, with room on either side for reading beyond the ends."""

    _ROOM: Final = 64

    def __init__(self, texts: Sequence[bytes]) -> None:
        self.lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        self.ends = np.cumsum(self.lengths) + self._ROOM
        self.starts = self.ends - self.lengths
        room = bytes(self._ROOM)
        self.raw = b"".join((room, *texts, room))
        self.bytes = np.frombuffer(self.raw, dtype=np.uint8)

    def cut(self, starts: Int64s, length: int) -> NDArray[np.void]:
        """Pieces of one length, which may overlap."""
        pieces = np.ndarray((max(len(self.raw) - length + 1, 0),), f"V{length}", self.raw, strides=(1,))
        return pieces[starts]

    def have(self, starts: Int64s, text: bytes) -> Bools:
        """Whether this text stands at these places."""
        found = self.cut(starts, len(text))
        if found.tobytes() == text * len(starts):
            return np.ones(len(starts), dtype=np.bool_)
        cells = found.view(np.uint8).reshape(len(starts), len(text))
        same: Bools = (cells == np.frombuffer(text, dtype=np.uint8)).all(axis=1)
        return same

    def numbers(self, starts: Int64s, ends: Int64s) -> tuple[Int64s, Bools]:
        """What digits between these places say, and where there are digits only, `MOST_DIGITS` of them at most."""
        lengths = ends - starts
        width = int(np.clip(lengths.max(initial=1), 1, MOST_DIGITS))
        digits = self.cut(ends - width, width).view(np.uint8).reshape(len(ends), width) - ord("0")
        digits[np.arange(width, 0, -1) > lengths[:, None]] = 0
        good = (digits.max(axis=1, initial=0) <= 9) & (lengths >= 1) & (lengths <= MOST_DIGITS)
        powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
        return digits.astype(np.int64) @ powers, good


@dataclass(slots=True)
class Spans:
    """Where texts begin and end in a run of bytes."""

    starts: Int64s
    ends: Int64s


@dataclass(slots=True)
class LineAlike:
    """One line of every voucher that is written alike: these vary."""

    account: Spans
    amount: Int64s
    is_debit: bool
    currency: str
    purpose: int


@dataclass(slots=True)
class Alike:
    """States that are written alike; `rows` says which of those that were read."""

    rows: Int64s
    effective: Int64s
    """Microseconds since 2000."""
    event_ids: Spans
    partition: Int64s
    amount: Int64s
    """0 where the states say none."""
    source: bytes
    kind: bytes
    topic: bytes
    revision: int
    lines: list[LineAlike] = field(default_factory=list)


class AlikeReader:
    """Finds patterns in the states of a run of positions, the first of what is left each time."""

    def __init__(self, states: Sequence[bytes], is_voucher: Bools, regular: Bools) -> None:
        """Only those of `regular` are read; `is_voucher` says of which lines are."""
        self._states = states
        self._is_voucher = is_voucher
        self.texts = Texts(states)
        self._quotes: Int64s = np.flatnonzero(self.texts.bytes == _QUOTE)
        self._first_quote = np.searchsorted(self._quotes, self.texts.starts)
        self._quote_count = np.diff(np.r_[self._first_quote, len(self._quotes)])
        self._open = regular & ~self._irregular()

    def _irregular(self) -> Bools:
        """States with an escape or a line feed: their quotes need not be where texts end."""
        found = np.zeros(len(self._states), dtype=np.bool_)
        for byte in (_BACKSLASH, _LINE_FEED):
            if byte in self.texts.raw:
                at = np.flatnonzero(self.texts.bytes == byte)
                found[np.searchsorted(self.texts.ends, at, side="right")] = True
        return found

    def read(self) -> list[Alike]:
        found = []
        for _ in range(MOST_PATTERNS):
            rows = np.flatnonzero(self._open)
            if len(rows) < FEWEST_STATES:
                break
            first = rows[0]
            self._open[first] = False
            alike = self._like(int(first), rows)
            if alike is not None and len(alike.rows):
                found.append(alike)
                self._open[alike.rows] = False
        return found

    def _like(self, first: int, rows: Int64s) -> Alike | None:
        """Of these, all that are written like one of them; None where that one follows no pattern."""
        pattern = _pattern(self._states[first], bool(self._is_voucher[first]))
        if pattern is None:
            return None
        same = (self._quote_count[rows] == len(pattern.quotes)) & (self._is_voucher[rows] == self._is_voucher[first])
        rows = rows[same]
        return pattern.read(self.texts, rows, _Quotes(self._quotes, self._first_quote[rows], len(pattern.quotes)))


@dataclass(slots=True, frozen=True)
class _Quotes:
    """Where the quotes of some states stand, as many in `each`."""

    at: Int64s
    first: Int64s
    each: int

    def numbered(self, quote: int) -> Int64s:
        found: Int64s = self.at[self.first + quote]
        return found


@dataclass(slots=True, frozen=True)
class _Place:
    """A place in every state that follows a pattern: so many bytes behind a quote; behind the last one for the end."""

    quote: int
    offset: int

    def of(self, texts: Texts, rows: Int64s, quotes: _Quotes) -> Int64s:
        return (quotes.numbered(self.quote) if self.quote < quotes.each else texts.ends[rows]) + self.offset


@dataclass(slots=True, frozen=True)
class _Varying:
    start: _Place
    end: _Place


@dataclass(slots=True)
class _Pattern:
    """One state, taken apart. `fixed` are the texts before, between and behind what varies, in order."""

    quotes: list[int]
    fixed: list[bytes]
    varying: list[_Varying]
    numbers: list[int]
    """Which of the varying texts are digits only."""
    effective: int
    event_id: int
    cause: int
    amount: int | None
    accounts: list[int]
    lines: list[re.Match[bytes]]
    match: re.Match[bytes]

    def read(self, texts: Texts, rows: Int64s, quotes: _Quotes) -> Alike | None:
        """Columns of all states of these rows that follow the pattern."""
        starts = [one.start.of(texts, rows, quotes) for one in self.varying]
        ends = [one.end.of(texts, rows, quotes) for one in self.varying]
        follow = np.ones(len(rows), dtype=np.bool_)
        before = texts.starts[rows]
        for text, start, end in zip(self.fixed, [*starts, texts.ends[rows]], [*ends, texts.ends[rows]], strict=True):
            follow &= (start - before == len(text)) & (end >= start)
            before = end
        kept = np.flatnonzero(follow)
        spans = [Spans(start[kept], end[kept]) for start, end in zip(starts, ends, strict=True)]
        rows = rows[kept]
        return self._columns(texts, rows, spans) if len(rows) else None

    def _columns(self, texts: Texts, rows: Int64s, spans: list[Spans]) -> Alike | None:
        same = np.ones(len(rows), dtype=np.bool_)
        for text, start in zip(self.fixed, [texts.starts[rows], *(span.ends for span in spans)], strict=True):
            same &= texts.have(start, text)
        said = {}
        for number in self.numbers:
            said[number], good = texts.numbers(spans[number].starts, spans[number].ends)
            same &= good
        partition, good = _partitions(texts, spans[self.cause])
        same &= good & (spans[self.effective].ends - spans[self.effective].starts == len("2000-01-01T00:00:00.000000Z"))
        if not same.all():
            kept = np.flatnonzero(same)
            return self._columns(texts, rows[kept], [Spans(one.starts[kept], one.ends[kept]) for one in spans])
        moments = texts.cut(spans[self.effective].starts, _MOMENT.stop).view(f"S{_MOMENT.stop}")
        try:
            effective = (moments.astype("M8[us]") - POSTGRES_EPOCH).astype(np.int64)
        except ValueError:
            return None
        return Alike(
            rows, effective, spans[self.event_id], partition,
            np.zeros(len(rows), dtype=np.int64) if self.amount is None else said[self.amount],
            self.match[_GROUPS["source"]], self.match[_GROUPS["kind"]], self.match[_GROUPS["topic"]],
            int(self.match[_GROUPS["revision"]] or 1),
            [
                LineAlike(spans[at], said[at + 1], bool(SIDES[line[2].decode()]), line[4].decode(), _purpose(line[5]))
                for at, line in zip(self.accounts, self.lines, strict=True)
            ],
        )  # fmt: skip


def _purpose(name: bytes) -> int:
    return PURPOSES.get(name.decode(), -1)


def _partitions(texts: Texts, spans: Spans) -> tuple[Int64s, Bools]:
    """The first of two numbers with a comma between, which are partition and offset."""
    width = min(int((spans.ends - spans.starts).max(initial=1)), 2 * MOST_DIGITS)
    heads = texts.cut(spans.starts, width).view(np.uint8).reshape(len(spans.starts), width)
    commas = spans.starts + (heads == _COMMA).argmax(axis=1)
    partitions, good = texts.numbers(spans.starts, commas)
    _, also_good = texts.numbers(commas + 1, spans.ends)
    return partitions, good & also_good


def _pattern(state: bytes, is_voucher: bool) -> _Pattern | None:
    """What of a state varies; None where it is not written the way that our encoder writes."""
    match = STATE.match(state)
    if match is None or match.end() != len(state):
        return None
    lines = list(_LINE.finditer(match[_GROUPS["lines"]])) if is_voucher and match[_GROUPS["lines"]] else []
    if lines and b",".join(line[0] for line in lines) != match[_GROUPS["lines"]]:
        return None
    return _Dissection(state, match, lines).pattern()


class _Dissection:
    """Takes one state apart, quote by quote."""

    def __init__(self, state: bytes, match: re.Match[bytes], lines: list[re.Match[bytes]]) -> None:
        self._state, self._match, self._lines = state, match, lines
        self._quotes = [at for at, byte in enumerate(state) if byte == _QUOTE]
        self._varying: list[_Varying] = []
        self._fixed: list[bytes] = []
        self._done = 0
        """Up to where the state is taken apart."""

    def pattern(self) -> _Pattern | None:
        names: dict[bytes, int] = {}
        numbers, accounts, cause = [], [], 0
        in_lines = {
            self._match.start(_GROUPS["lines"]) + line.start(1): place for place, line in enumerate(self._lines)
        }
        in_amounts = {self._match.start(_GROUPS["lines"]) + line.start(3) for line in self._lines}
        member = b""
        for quote in range(0, len(self._quotes), 2):
            start, end = self._quotes[quote] + 1, self._quotes[quote + 1]
            text = self._state[start:end]
            if start in in_lines:
                accounts.append(self._vary(quote, start, end))
            elif start in in_amounts or (member in _NUMBERS and text.isdigit()):
                numbers.append(place := self._vary(quote, start, end))
                names.setdefault(member, place)
            elif member in _VARYING:
                names.setdefault(member, self._vary(quote, start, end))
            elif start == self._match.start(_GROUPS["topic"]):
                cause = self._vary_cause(quote + 1)
            member = text if self._state[end + 1 : end + 2] == b":" else b""
        self._fixed.append(self._state[self._done :])
        return _Pattern(
            self._quotes, self._fixed, self._varying, numbers, names[b"effective_at"], names[b"event_id"], cause,
            names.get(b"amount_minor"), accounts, self._lines, self._match,
        )  # fmt: skip

    def _vary(self, quote: int, start: int, end: int) -> int:
        return self._add(_Varying(_Place(quote, 1), _Place(quote + 1, 0)), start, end)

    def _vary_cause(self, quote: int) -> int:
        """Partition and offset, which stand between the topic and a bracket; what is behind that has a fixed length."""
        start = self._quotes[quote] + 2
        end = self._state.index(b"]", start)
        behind = self._quotes[quote + 1] if quote + 1 < len(self._quotes) else len(self._state)
        return self._add(_Varying(_Place(quote, 2), _Place(quote + 1, end - behind)), start, end)

    def _add(self, varying: _Varying, start: int, end: int) -> int:
        self._fixed.append(self._state[self._done : start])
        self._varying.append(varying)
        self._done = end
        return len(self._varying) - 1


def names_known(alike: Alike, assets: Mapping[str, int]) -> bool:
    """Whether every name in the lines means something here."""
    return all(line.currency in assets and line.purpose >= 0 for line in alike.lines)
