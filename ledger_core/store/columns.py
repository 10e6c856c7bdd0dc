"""Whole columns to and from PostgreSQL: binary arrays as parameters and results, binary COPY rows.

Formats: binary COPY and array representation as in the PostgreSQL documentation, chapters COPY and libpq.
"""

from collections.abc import Sequence
from itertools import chain
from struct import Struct
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.pq import Format

Int64s = NDArray[np.int64]

COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"
POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01 UTC in microseconds since 1970: where PostgreSQL's timestamps count from."""

_ELEMENT_OIDS = {2: 21, 4: 23, 8: 20}
_ARRAY_OIDS = {2: 1005, 4: 1007, 8: 1016}


class IntArray:
    """A column of integers as one array parameter of `size_bytes` (2, 4 or 8) per element."""

    __slots__ = ("size_bytes", "values")

    def __init__(self, values: Int64s, size_bytes: int = 8) -> None:
        self.values = values
        self.size_bytes = size_bytes


class _IntArrayDumper(Dumper):
    format = Format.BINARY
    size_bytes = 8

    def dump(self, obj: IntArray) -> Buffer:
        cells = np.empty(len(obj.values), dtype=[("length", ">i4"), ("value", f">i{self.size_bytes}")])
        cells["length"] = self.size_bytes
        cells["value"] = obj.values
        if not len(cells):
            return np.array([0, 0, _ELEMENT_OIDS[self.size_bytes]], dtype=">i4").tobytes()
        head = np.array([1, 0, _ELEMENT_OIDS[self.size_bytes], len(cells), 1], dtype=">i4")
        return head.tobytes() + cells.tobytes()

    def get_key(self, obj: IntArray, format: Any) -> Any:  # noqa: A002, ARG002 - the name is psycopg's
        return (self.cls, obj.size_bytes)

    def upgrade(self, obj: IntArray, format: Any) -> "_IntArrayDumper":  # noqa: A002, ARG002 - as above
        return {2: _Int2ArrayDumper, 4: _Int4ArrayDumper, 8: _Int8ArrayDumper}[obj.size_bytes](self.cls)


class _Int2ArrayDumper(_IntArrayDumper):
    size_bytes = 2
    oid = _ARRAY_OIDS[2]


class _Int4ArrayDumper(_IntArrayDumper):
    size_bytes = 4
    oid = _ARRAY_OIDS[4]


class _Int8ArrayDumper(_IntArrayDumper):
    size_bytes = 8
    oid = _ARRAY_OIDS[8]


class _IntArrayLoader(Loader):
    format = Format.BINARY
    size_bytes = 8

    def load(self, data: Buffer) -> Int64s:
        if len(data) <= 12:
            return np.empty(0, dtype=np.int64)
        cells = np.frombuffer(data, dtype=[("length", ">i4"), ("value", f">i{self.size_bytes}")], offset=20)
        return cells["value"].astype(np.int64)


class _Int4ArrayLoader(_IntArrayLoader):
    size_bytes = 4


class _Int2ArrayLoader(_IntArrayLoader):
    size_bytes = 2


def register_columns(connection: psycopg.Connection[Any]) -> None:
    """Makes this connection take `IntArray` parameters and answer integer arrays as numpy columns."""
    connection.adapters.register_dumper(IntArray, _IntArrayDumper)
    for oid, loader in ((1016, _IntArrayLoader), (1007, _Int4ArrayLoader), (1005, _Int2ArrayLoader)):
        connection.adapters.register_loader(oid, loader)


def field_bytes(value: bytes) -> bytes:
    """One variable field of a COPY row: its length and its bytes."""
    return len(value).to_bytes(4, "big") + value


def copy_binary(cursor: psycopg.Cursor[Any], statement: "psycopg.sql.SQL", parts: Sequence[bytes]) -> None:
    """Runs one binary COPY FROM STDIN over ready rows."""
    with cursor.copy(statement) as copy:
        copy.write(COPY_HEADER + b"".join(parts) + COPY_TRAILER)


def bigints(values: Sequence[int]) -> bytes:
    """A field of type bigint[]: size, dimensions, no nulls, element type 20 (int8), length, first index, elements."""
    if not values:
        return Struct(">iiii").pack(12, 0, 0, 20)
    elements = chain.from_iterable((8, value) for value in values)
    return Struct(f">iiiiii{'iq' * len(values)}").pack(20 + 12 * len(values), 1, 0, 20, len(values), 1, *elements)
