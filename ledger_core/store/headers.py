"""The headers of a record as a dead letter keeps them: as received, in a form that JSON in PostgreSQL can hold."""

from base64 import b64decode, b64encode
from collections.abc import Sequence

HeaderRow = list[str | None]
"""[name, base64 of the bytes]; a header without bytes has null. A name that no JSON text in PostgreSQL can hold
(with a NUL or half a surrogate pair) is null, and its bytes follow as a third member."""


def headers_to_rows(headers: Sequence[tuple[str, bytes | None]]) -> list[HeaderRow]:
    return [_row(name, value) for name, value in headers]


def rows_to_headers(rows: Sequence[HeaderRow]) -> tuple[tuple[str, bytes], ...]:
    return tuple((_name(row), b64decode(row[1] or "")) for row in rows)


def _row(name: str, value: bytes | None) -> HeaderRow:
    encoded = None if value is None else b64encode(value).decode()
    if "\0" in name or any("\ud800" <= character <= "\udfff" for character in name):
        return [None, encoded, b64encode(name.encode("utf-8", "surrogatepass")).decode()]
    return [name, encoded]


def _name(row: HeaderRow) -> str:
    return row[0] if row[0] is not None else b64decode(row[2] or "").decode("utf-8", "surrogatepass")
