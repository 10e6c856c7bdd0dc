"""Says which rule of its schema an event breaks: one code, one field, and never a value of the event."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic_core import ErrorDetails, ValidationError

DataFault = Literal["AMOUNT_NOT_POSITIVE", "AMOUNT_INVALID", "CURRENCY_UNKNOWN", "DATA_INVALID"]
PRECEDENCE: tuple[DataFault, ...] = (
    "AMOUNT_NOT_POSITIVE",
    "AMOUNT_INVALID",
    "CURRENCY_UNKNOWN",
    "DATA_INVALID",
)

_NOT_POSITIVE = re.compile(r"-[0-9]+|0+")
_FIELD_NAME = re.compile(r"[a-z_]{1,40}")
MAX_DETAIL_LENGTH = 200


class DataError(NamedTuple):
    """The first fault in the order of `DataFault`."""

    code: DataFault
    detail: str


def explain(error: ValidationError, document: object) -> DataError:
    """The fault that counts among all that pydantic found in `document`."""
    faults = [_fault(details, document) for details in error.errors(include_url=False, include_input=False)]
    return min(faults, key=lambda fault: PRECEDENCE.index(fault.code))


def _fault(details: ErrorDetails, document: object) -> DataError:
    path, kind = details["loc"], details["type"]
    code: DataFault = "DATA_INVALID"
    if kind not in ("missing", "extra_forbidden") and path:
        if path[-1] in ("amount_minor", "fee_minor"):
            code = "AMOUNT_NOT_POSITIVE" if is_not_positive(value_at(document, path)) else "AMOUNT_INVALID"
        elif path[-1] == "currency" and isinstance(value_at(document, path), str):
            code = "CURRENCY_UNKNOWN"
    return DataError(code, f"{readable(path)}: {details['msg']}"[:MAX_DETAIL_LENGTH])


def is_not_positive(value: object) -> bool:
    """True for zero and negative whole numbers, as text or as a JSON number."""
    if isinstance(value, str):
        return _NOT_POSITIVE.fullmatch(value) is not None
    return isinstance(value, int) and not isinstance(value, bool) and value <= 0


def value_at(document: object, path: Sequence[str | int]) -> object:
    """What stands at this path, or None."""
    for step in path:
        if isinstance(document, Mapping):
            document = document.get(step)
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return None
    return document


def currencies_in(document: object) -> set[str]:
    """The currencies that data name which do not fit their schema: what could be read of them."""
    if isinstance(document, Mapping):
        named = {document["currency"]} if isinstance(document.get("currency"), str) else set[str]()
        return named.union(*(currencies_in(value) for value in document.values()))
    return set[str]().union(*(currencies_in(value) for value in document)) if isinstance(document, list) else set()


def readable(path: Sequence[str | int]) -> str:
    """`beneficiaries[3].amount_minor`. A name that is none of ours may be a card number: left out."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if _FIELD_NAME.fullmatch(step) else "(unknown field)")
    return text or "data"
