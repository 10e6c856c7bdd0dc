"""Loads named queries: in a `.sql` file each begins with `-- name: <name>` and one sentence that says what it does."""

import re
from functools import cache
from importlib import resources
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def load_queries(package: str, file_name: str) -> dict[str, LiteralString]:
    """All queries of one file by name. The text is ours and ships with the package, so it counts as literal."""
    text = resources.files(package).joinpath(file_name).read_text("utf-8")
    parts = _NAME.split(text)[1:]
    return {name: cast(LiteralString, body.strip()) for name, body in zip(parts[::2], parts[1::2], strict=True)}
