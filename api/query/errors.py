"""From exceptions to problem details: each handler below is one row of what can go wrong."""

from collections.abc import Mapping, Sequence
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from api.problems import CODE_BY_STATUS, ParameterError, ProblemError, problem_response
from api.query.answers import POSITION_HEADER
from projections.queries import errors

MAX_ERRORS: Final = 20
MAX_NAME_LENGTH: Final = 100

QUERY_PROBLEMS: Final[Mapping[type[errors.QueryError], str]] = {
    errors.NotFoundError: "NOT_FOUND",
    errors.SeveralFoundError: "PARAMETER_INVALID",
    errors.PositionAheadError: "POSITION_AHEAD",
    errors.PositionNotReachedError: "POSITION_NOT_REACHED",
    errors.QueryTimeoutError: "QUERY_TIMEOUT",
    errors.StoreUnavailableError: "STORE_UNAVAILABLE",
}


def refuse_ambiguous_parameters(request: Request) -> None:
    """A parameter given twice is refused, and so is any parameter of a question that takes none."""
    names = [name for name, _ in request.query_params.multi_items()]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ProblemError("PARAMETER_INVALID", "", _about(repeated, "given more than once"))
    dependant = getattr(request.scope.get("route"), "dependant", None)
    if names and dependant is not None and not dependant.query_params:
        raise ProblemError("PARAMETER_INVALID", "", _about(names, "unknown parameter"))


def install_error_handlers(app: FastAPI) -> None:
    """Every exception that has an answer of its own; all others are answered by RequestContext."""

    @app.exception_handler(ProblemError)
    async def on_problem(request: Request, error: ProblemError) -> JSONResponse:
        return _answer(request, error.code, error.detail, errors=error.errors, headers=error.headers)

    @app.exception_handler(errors.QueryError)
    async def on_query_error(request: Request, error: errors.QueryError) -> JSONResponse:
        headers = {}
        if isinstance(error, errors.NotFoundError) and error.position is not None:
            headers[POSITION_HEADER] = str(error.position)  # missing as of a position: it may be there later
        return _answer(request, QUERY_PROBLEMS[type(error)], f"{error}", headers=headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        wrong = [(each["loc"], each["type"], each["msg"]) for each in error.errors()[:MAX_ERRORS]]
        if any(place[0] == "path" for place, _, _ in wrong):
            # A name that cannot be anything's name is missing like any other.
            return _answer(request, "NOT_FOUND", "there is nothing of that name")
        return _answer(request, "PARAMETER_INVALID", "", errors=[_error(*each) for each in wrong])

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        code = CODE_BY_STATUS.get(error.status_code, "REQUEST_INVALID")
        return _answer(request, code, "", status=error.status_code, headers=error.headers or {})


def _answer(
    request: Request,
    code: str,
    detail: str,
    *,
    status: int | None = None,
    errors: Sequence[ParameterError] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    return problem_response(
        code,
        detail=detail,
        instance=request.url.path,
        trace_id=request.state.trace_id,
        status=status,
        errors=errors,
        headers=headers or {},
    )


def _error(place: Sequence[int | str], kind: str, message: str) -> ParameterError:
    name = ".".join(str(part) for part in place)[:MAX_NAME_LENGTH]
    return ParameterError(
        parameter=name,
        message="unknown parameter" if kind == "extra_forbidden" else message.removeprefix("Value error, "),
    )


def _about(names: Sequence[str], message: str) -> list[ParameterError]:
    return [ParameterError(parameter=f"query.{name}"[:MAX_NAME_LENGTH], message=message) for name in names[:MAX_ERRORS]]
