"""The attributes of usual records, a column each: binary mode, plain ASCII. Whatever is not usual is refused whole."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Final, NamedTuple, cast

from consumers.times import parse_times_us
from ledger_core.domain.incoming import Record
from schemas.envelope import MAX_ATTRIBUTE_LENGTH, check_book, check_source

TEXTS_KEPT: Final = 10_000
"""Books and sources remembered as checked; past that the memory is emptied and fills again."""
_JSON: Final = b"application/json"
_PRINTABLE: Final = bytes(range(0x20, 0x7F))
_SEPARATOR: Final = b"\n"

Column = Sequence[bytes]


class Attributes(NamedTuple):
    """Of records in a row. Types are as they came: whoever knows them looks them up."""

    types: Column
    books: list[str]
    sources: list[str]
    event_ids: list[str]
    order_keys: list[str]
    times_us: list[int]
    """Microseconds since 1970-01-01 UTC."""


class AttributeReader:
    """Reads attributes, many at once. With `expected_book` those of any other book are not usual."""

    def __init__(self, expected_book: str | None = None) -> None:
        self._expected_book = expected_book
        self._books: dict[bytes, str] = {}
        self._sources: dict[bytes, str] = {}

    def read(self, records: Sequence[Record]) -> Attributes:
        """Raises `ValueError`, `LookupError`, `TypeError` or `AttributeError` when one of them is not usual."""
        columns = _columns(records)
        if set(columns["ce_specversion"]) != {b"1.0"} or not {_JSON}.issuperset(columns.get("content-type", ())):
            raise ValueError
        return Attributes(
            columns["ce_type"], _checked(columns["ce_ledgerbook"], self._books, self._check_book),
            _checked(columns["ce_source"], self._sources, check_source), _texts(columns["ce_id"]),
            _texts(columns["ce_subject"]), parse_times_us(columns["ce_time"]),
        )  # fmt: skip

    def _check_book(self, book: str) -> None:
        check_book(book)
        if self._expected_book not in (None, book):
            raise ValueError


def _checked(column: Column, known: dict[bytes, str], check: Callable[[str], None]) -> list[str]:
    """As text, each of them checked once."""
    if len(known) >= TEXTS_KEPT:
        known.clear()
    for raw in set(column).difference(known):
        [text] = _texts([raw])
        check(text)
        known[raw] = text
    return [known[raw] for raw in column]


def _columns(records: Sequence[Record]) -> dict[str, Column]:
    """The headers by name. A producer writes the same ones in the same order again and again: then they are not looked
    at one by one. Those of several producers are."""
    headers = [record.headers for record in records]
    width = len(headers[0])
    if set(map(len, headers)) == {width}:
        flat = list(chain.from_iterable(chain.from_iterable(headers)))
        names, values = cast(list[str], flat[0::2]), cast(list[bytes], flat[1::2])
        layout = names[:width]
        if names == layout * len(records):
            _check_names(layout)
            return {name: values[place::width] for place, name in enumerate(layout)}
    return _columns_of_several(headers)


def _columns_of_several(headers: Iterable[Sequence[tuple[str, bytes]]]) -> dict[str, Column]:
    """The same, where layouts differ. Content types are JSON where a record names none."""
    rows = []
    for pairs in headers:
        row = dict(pairs)
        if len(row) != len(pairs):
            raise ValueError
        _check_names(row)
        rows.append(row)
    names = ("ce_specversion", "ce_type", "ce_ledgerbook", "ce_source", "ce_id", "ce_subject", "ce_time")
    columns: dict[str, Column] = {name: [row[name] for row in rows] for name in names}
    return columns | {"content-type": [row.get("content-type", _JSON) for row in rows]}


def _check_names(names: Iterable[str]) -> None:
    """Raises `ValueError` for names that are given twice, or that may not have been UTF-8: those are refused."""
    each = list(names)
    if len(set(each)) != len(each) or not "".join(each).isascii():
        raise ValueError


def _texts(column: Column) -> list[str]:
    """Attributes as text. Raises `ValueError` unless all are printable ASCII of a length that attributes may have."""
    joined = _SEPARATOR.join(column)
    if len(joined.translate(None, _PRINTABLE)) != len(column) - 1:  # no control characters, nothing beyond ASCII
        raise ValueError
    if not all(column) or len(max(column, key=len)) > MAX_ATTRIBUTE_LENGTH:
        raise ValueError
    return joined.decode("ascii").split("\n")
