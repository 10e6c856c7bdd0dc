"""The pages for people: index, operations, problems. Plain HTML from this process, nothing fetched."""

from collections.abc import Iterable
from html import escape
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from api.problems import BY_CODE, PROBLEMS, ProblemError, ProblemKind
from api.query import wire

SERVICE: Final = "Ledger query API"
LINKS: Final = {
    "books": "/v1/books",
    "documentation": "/docs",
    "openapi": "/openapi.json",
    "problems": "/problems",
    "health": "/healthz",
    "metrics": "/metrics",
}
_SECURITY: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"}
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}"
    "code{background:#f1f3f5;padding:.1em .3em;border-radius:3px}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #d6dade}a{color:#0b5cad}"
)

router = APIRouter(include_in_schema=False)


@router.get("/")
def index(request: Request) -> Response:
    """Where to go from here: HTML for a browser, JSON for everyone else."""
    if "text/html" in request.headers.get("accept", ""):
        links = "".join(f'<li><a href="{path}">{escape(name)}</a></li>' for name, path in LINKS.items())
        return _page(SERVICE, f"<ul>{links}</ul>")
    return JSONResponse(wire.Index(service=SERVICE, links=LINKS).model_dump())


@router.get("/docs")
def documentation(request: Request) -> Response:
    """Every operation with its parameters, from the OpenAPI document; needs no script and no other host."""
    operations = [
        _operation(path, operation)
        for path, methods in request.app.openapi()["paths"].items()
        for operation in methods.values()
    ]
    contract = '<p>The contract for programs is <a href="/openapi.json">openapi.json</a>.</p>'
    return _page(f"{SERVICE}: operations", contract + "".join(operations))


@router.get("/problems")
def problems(request: Request) -> Response:
    """The table of error codes."""
    if "text/html" in request.headers.get("accept", ""):
        return _page("Problems", _table(("Code", "Status", "Title", "What to do"), map(_cells, PROBLEMS)))
    table = [_kind(kind) for kind in PROBLEMS]
    return JSONResponse(wire.ProblemTable(problems=table).model_dump())


@router.get("/problems/{code}")
def problem(code: str) -> Response:
    """One row of the table: what the `type` of a problem points to."""
    if code not in BY_CODE:
        raise ProblemError("NOT_FOUND", "there is no such problem")
    return JSONResponse(_kind(BY_CODE[code]).model_dump())


def _kind(kind: ProblemKind) -> wire.ProblemKindAnswer:
    return wire.ProblemKindAnswer(code=kind.code, status=kind.status, title=kind.title, what_to_do=kind.what_to_do)


def _cells(kind: ProblemKind) -> tuple[str, ...]:
    return kind.code, str(kind.status), kind.title, kind.what_to_do


def _operation(path: str, operation: dict[str, Any]) -> str:
    parameters = [
        (each["name"], each["in"], "yes" if each.get("required") else "no", each.get("description", ""))
        for each in operation.get("parameters", [])
    ]
    table = _table(("Parameter", "In", "Required", "Meaning"), parameters) if parameters else ""
    heading = f"<h2>{escape(operation['summary'])}</h2><p><code>GET {escape(path)}</code></p>"
    return f"{heading}<p>{escape(operation.get('description', ''))}</p>{table}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>"


def _page(title: str, body: str) -> HTMLResponse:
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return HTMLResponse(html, headers=_SECURITY)
