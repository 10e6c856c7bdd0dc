"""Charts of accounts that come with the ledger: what each is for, and how one is chosen, by its name or as a file."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

MARKETPLACE: Final = "marketplace"
"""That of a new book for which none is chosen."""

CHARTS: Final[Mapping[str, str]] = MappingProxyType({
    MARKETPLACE: "books what processors and services report, and asks nothing of payments beyond their order",
    "payment-facilitator": "for who drives the processor and holds the sellers' money: all that can be asked is asked",
})  # fmt: skip
"""By name, what each is for."""


def load_chart(name: str = MARKETPLACE) -> dict[str, object]:
    """The document of a chart by its name, as `book create` stores it. Raises `FileNotFoundError`."""
    document: dict[str, object] = json.loads((files("schemas.charts") / f"{name}.json").read_text("utf-8"))
    return document


def read_chart(chosen: str) -> dict[str, object]:
    """The document of a chart that is chosen by its name, or as a file. Raises `ValueError`, which says what is wrong.

    A file that is called like one of the charts is chosen as `./marketplace`.
    """
    if chosen in CHARTS:
        return load_chart(chosen)
    try:
        document = json.loads(Path(chosen).read_text("utf-8"))
    except FileNotFoundError:
        raise ValueError(f"there is no file {chosen}, nor does a chart of this name come along") from None
    except OSError as error:
        raise ValueError(f"{chosen} can't be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{chosen} is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise ValueError(f"{chosen} is no JSON object")
    return document
