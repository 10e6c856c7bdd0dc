"""What is done about card numbers in every member of every event: a new one has to choose (I28)."""

import json
from collections.abc import Iterator
from pathlib import Path as File
from typing import Any, get_args

import orjson
import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.card_data import SECRETS, Path, mask_text
from schemas.events.members import ANY_NAME, INSTRUMENT_TYPES, keeps_of_data, leaves, names_a_card
from schemas.events.payments import Method
from schemas.events.registry import EVENT_TYPES
from schemas.kept import masked_value

CARD = "4111111111111111"
WRITTEN = f"paid by {CARD}, thanks"
HEADERS = (("ce_id", b"e1"), ("content-type", b"application/json"))
EXAMPLES = File(__file__).parents[3] / "schemas" / "examples"

COMPARED: set[Path] = {("event_id",), ("source",)}
"""Ends of paths of texts that may hold spaces and are identifiers all the same: of another event, to find it by."""


def texts(event_type: str) -> Iterator[tuple[Path, Any, bool]]:
    """The members of a type that are text and not one of a few words."""
    for path, annotation, looked_at in leaves(EVENT_TYPES[event_type]):
        if annotation is str or get_args(annotation)[:1] == (str,):
            yield path, annotation, looked_at


def result(annotation: Any, text: str) -> str | None:
    """What the text is after validation; None where it is refused."""
    try:
        return str(TypeAdapter(annotation).validate_python(text))
    except ValidationError:
        return None


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_text_is_an_identifier_or_masked_or_refused(event_type: str) -> None:
    for path, annotation, looked_at in texts(event_type):
        if path[-1] == ANY_NAME:  # masked as a whole, by its name
            assert looked_at, path
            continue
        is_identifier = path[-1:] in COMPARED and not looked_at
        assert is_identifier or result(annotation, WRITTEN) in (None, mask_text(WRITTEN)), (
            f"{event_type} {'.'.join(path)} takes any text: choose one of schemas/events/texts.py for it"
        )


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_no_text_that_is_left_as_it_is_has_the_name_of_a_secret(event_type: str) -> None:
    """What is kept of an event goes by names where its schema is silent: both must say the same."""
    for path, _, _ in texts(event_type):
        assert path[-1].replace("_", "") not in SECRETS, path


def planted(document: object, text: str, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """The document with the text in the place of each of its texts, one after the other."""
    if isinstance(document, dict):
        for name, value in document.items():
            for where, other in planted(value, text, (*path, name)):
                yield where, {**document, name: other}
    elif isinstance(document, list):
        for place, value in enumerate(document):
            for where, other in planted(value, text, path):
                yield where, [*document[:place], other, *document[place + 1 :]]
    elif isinstance(document, str):
        yield path, text


@pytest.mark.parametrize("text", [WRITTEN, CARD], ids=["in a text", "alone"])
@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_what_is_kept_of_an_event_says_what_was_validated(event_type: str, text: str) -> None:
    """Else what waits could not be read again as what was received."""
    adapter = TypeAdapter[Any](EVENT_TYPES[event_type])
    example = json.loads((EXAMPLES / f"{event_type}.json").read_bytes())["data"]
    for path, data in planted(example, text):
        kept = json.loads(masked_value(json.dumps(data).encode(), HEADERS, event_type).document)
        try:
            validated = adapter.validate_python(data)
        except ValidationError:
            continue
        assert validated == kept, path
        assert orjson.dumps(adapter.validate_python(kept)) == orjson.dumps(validated), path
        assert keeps_of_data(event_type)(path) or CARD not in json.dumps(kept), path


def test_a_payment_instrument_is_not_named_by_the_number_of_the_card() -> None:
    assert {"payment_method.tokenized.v1", "payment_method.detached.v1"} == INSTRUMENT_TYPES
    for name in (CARD, "4111-1111-1111-1111"):
        assert names_a_card("payment_method.tokenized.v1", "pm-1", {"payment_method_id": name})
        assert names_a_card("payment_method.tokenized.v1", name, {})
        assert not names_a_card("payment.captured.v1", name, {"payment_id": name})
    assert not names_a_card("payment_method.tokenized.v1", f"pm_{CARD}", {"payment_method_id": f"tok-{CARD}"})


@pytest.mark.parametrize("word", ["card", "3ds", "cash_on_delivery", "12345678901", "2026.method"])
@pytest.mark.parametrize("number", [CARD, "4111-1111-1111-1111", f"{CARD}-visa"])
def test_how_it_was_paid_is_a_word_and_no_card_number(word: str, number: str) -> None:
    assert result(Method, word) == word
    assert result(Method, number) is None
