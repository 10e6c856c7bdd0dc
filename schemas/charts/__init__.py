"""Charts of accounts that come with the ledger: `marketplace` is the default of a new book."""

import json
from importlib.resources import files


def load_chart(name: str = "marketplace") -> dict[str, object]:
    """The document of a chart by its name, as `book create` stores it. Raises `FileNotFoundError`."""
    document: dict[str, object] = json.loads((files("schemas.charts") / f"{name}.json").read_text("utf-8"))
    return document
