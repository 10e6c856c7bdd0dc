"""The OpenAPI document: committed as it is generated, and true about errors."""

from typing import Any

import pytest

from api.problems import MEDIA_TYPE, PROBLEMS
from api.query.app import create_documented_app
from api.query.openapi import COMMITTED, as_text


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_documented_app().openapi()


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


def test_the_committed_document_is_the_one_that_the_code_gives(document: dict[str, Any]) -> None:
    assert COMMITTED.read_text(encoding="utf-8") == as_text(document), "run: python -m api.query.openapi"


def test_every_error_is_said_to_be_a_problem(document: dict[str, Any]) -> None:
    shared = document["components"]["responses"]
    for operation in operations(document):
        errors = {status: answer for status, answer in operation["responses"].items() if status != "200"}
        assert set(errors) == {"404", "422", "500", "503"}, operation["operationId"]
        for answer in errors.values():
            name = answer["$ref"].removeprefix("#/components/responses/")
            assert set(shared[name]["content"]) == {MEDIA_TYPE}
    assert "HTTPValidationError" not in as_text(document)


def test_every_code_of_the_table_is_in_the_document(document: dict[str, Any]) -> None:
    text = as_text(document["components"]["responses"])
    for kind in PROBLEMS:
        assert kind.code in text


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def walk(value: object) -> None:
        if isinstance(value, dict):
            if isinstance(reference := value.get("$ref"), str):
                target: Any = document
                for part in reference.removeprefix("#/").split("/"):
                    target = target[part]
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(document)


def test_operations_only_read_and_are_described(document: dict[str, Any]) -> None:
    for methods in document["paths"].values():
        assert set(methods) == {"get"}
    for operation in operations(document):
        assert operation["summary"]
        assert operation["tags"]


def test_bounds_of_parameters_are_in_the_document(document: dict[str, Any]) -> None:
    for operation in operations(document):
        for parameter in operation.get("parameters", []):
            if parameter["name"] == "limit":
                assert (parameter["schema"]["minimum"], parameter["schema"]["maximum"]) == (1, 1000)
            if parameter["name"] == "min_position":
                assert parameter["schema"]["minimum"] == 0


def test_codes_are_unique_and_say_what_to_do() -> None:
    assert len({kind.code for kind in PROBLEMS}) == len(PROBLEMS)
    for kind in PROBLEMS:
        assert kind.what_to_do.endswith(".")
        assert (kind.retry_after_seconds is not None) == (kind.status == 503)
