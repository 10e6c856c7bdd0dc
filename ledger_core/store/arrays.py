"""PostgreSQL array literals for whole columns: half the cost of adapting every element on its own."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

Value = TypeVar("Value")

NOTHING: Final = "{}"
"""A column that says nothing of any row: `unnest` fills it with nulls beside longer ones, and no zeros are read."""


def integers(values: Iterable[int]) -> str:
    """The literal of an integer or bigint array."""
    return "{" + ",".join(map(str, values)) + "}"


def sums(values: Sequence[int]) -> str:
    """The same of what is mostly zero; zeros all the way down are `NOTHING`."""
    return integers(values) if any(values) else NOTHING


def booleans(values: Iterable[bool]) -> str:
    """The literal of a boolean array."""
    return "{" + ",".join(["t" if value else "f" for value in values]) + "}"


def texts(values: Sequence[str]) -> str:
    """The literal of a text array (or of any type, from its text); every element is quoted."""
    if not values:
        return NOTHING
    joined = '","'.join(values)
    # Escaping costs five times the joining, and hardly any value needs it.
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join([value.replace("\\", "\\\\").replace('"', '\\"') for value in values])
    return f'{{"{joined}"}}'


def times(values: Sequence[str]) -> str:
    """The literal of a timestamptz array; '' is null."""
    literal = texts(values)
    return literal.replace('""', "NULL") if "" in values else literal


def shared(values: Sequence[Value], literal: Callable[[Sequence[Value]], str]) -> tuple[str, Value]:
    """The literal of an array, which is `NOTHING` where all values are the first one; and that one."""
    first = values[0]
    alike = values.count(first) == len(values)
    return NOTHING if alike else literal(values), first
