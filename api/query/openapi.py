"""The OpenAPI document as it is true: errors are problem details, every answer names its position and its request.

`python -m api.query.openapi` writes the committed copy, schemas/openapi.json, and a test compares the two.
"""

import json
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE, PROBLEMS, Problem

COMMITTED: Final = Path(__file__).parents[2] / "schemas" / "openapi.json"
DEFAULT_PROBLEMS: Final = (404, 422, 500, 503)
Document = dict[str, Any]


def describe(app: FastAPI) -> None:
    """Make `app.openapi()` give the corrected document."""

    def openapi() -> Document:
        if app.openapi_schema is None:
            app.openapi_schema = _corrected(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _corrected(app: FastAPI) -> Document:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
    )
    schemas = document["components"]["schemas"]
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    document["components"]["responses"] = {f"Problem{status}": _problem_response(status) for status in _statuses()}
    document["components"]["headers"] = _headers()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _correct(path, operation)
    return document


def _correct(path: str, operation: Document) -> None:
    success = operation["responses"]["200"]
    success.setdefault("headers", {})["X-Request-Id"] = {"$ref": "#/components/headers/X-Request-Id"}
    if path.startswith("/v1/books"):
        success["headers"]["Ledger-Position"] = {"$ref": "#/components/headers/Ledger-Position"}
    if any(parameter["name"] == "cursor" for parameter in operation.get("parameters", [])):
        success["headers"]["Link"] = {"$ref": "#/components/headers/Link"}
    for status in DEFAULT_PROBLEMS:
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}


def _statuses() -> list[int]:
    return sorted({kind.status for kind in PROBLEMS})


def _problem_response(status: int) -> Document:
    kinds = [kind for kind in PROBLEMS if kind.status == status]
    response: Document = {
        "description": "; ".join(f"{kind.code}: {kind.title.lower()}" for kind in kinds),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
    }
    if any(kind.retry_after_seconds is not None for kind in kinds):
        response["headers"]["Retry-After"] = {
            "description": "Seconds after which to ask again", "schema": {"type": "integer"}
        }  # fmt: skip
    return response


def _headers() -> Document:
    return {
        "X-Request-Id": {"description": "Yours, if you sent one; else a new one", "schema": {"type": "string"}},
        "Ledger-Position": {
            "description": "The one position of the book that this answer is at; of the list of books, the system book",
            "schema": {"type": "integer"},
        },
        "Link": {"description": 'The next page, rel="next"', "schema": {"type": "string"}},
    }  # fmt: skip


def as_text(document: Document) -> str:
    """The document as it is committed."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _write() -> None:
    from api.query.app import create_documented_app

    COMMITTED.write_text(as_text(create_documented_app().openapi()), encoding="utf-8")


if __name__ == "__main__":
    _write()
