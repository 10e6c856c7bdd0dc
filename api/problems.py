"""Every error that the API answers with: one table of codes, and their form by RFC 9457.

The same table is served at `/problems`, written into the OpenAPI document and printed in the reference. An answer never
holds a stack, SQL, a path of the file system or a secret: what went wrong inside is in the log, under the trace id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

MEDIA_TYPE: Final = "application/problem+json"
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One row of the table. `what_to_do` is for the person whose request was refused."""

    code: str
    status: int
    title: str
    what_to_do: str
    retry_after_seconds: int | None = None


PROBLEMS: Final[tuple[ProblemKind, ...]] = (
    ProblemKind(
        "NOT_FOUND", 404, "There is no such thing",
        "Check the name. What belongs to others and what does not exist look alike.",
    ),
    ProblemKind(
        "METHOD_NOT_ALLOWED", 405, "This method is not allowed here",
        "The query API only answers GET, the webhook inbox takes POST.",
    ),
    ProblemKind("REQUEST_INVALID", 400, "The request cannot be read", "Correct the request; it will not do as it is."),
    ProblemKind(
        "PARAMETER_INVALID", 422, "A parameter is unknown, missing or malformed",
        "Look at errors[]: it names each parameter and what is wrong with it. Unknown parameters are never ignored.",
    ),
    ProblemKind(
        "SIGNATURE_INVALID", 401, "The signature does not verify",
        "Sign the very bytes that are sent, with a secret that this endpoint knows, and with a clock that is right.",
    ),
    ProblemKind("BODY_TOO_SLOW", 408, "The body did not come in time", "Send the request again, and faster."),
    ProblemKind("BODY_TOO_LARGE", 413, "The body is too large", "Webhooks are small; this one will not be taken."),
    ProblemKind("MEDIA_TYPE_UNSUPPORTED", 415, "The body is not JSON", "Send application/json."),
    ProblemKind(
        "WEBHOOK_UNREADABLE", 400, "The webhook cannot be read",
        "It is no JSON object, or lacks its id or type: nothing was stored, and sending it again will not help.",
    ),
    ProblemKind(
        "CURSOR_INVALID", 422, "The cursor does not belong to this request",
        "Follow the link of the page before, with the same filter; or begin again without a cursor.",
    ),
    ProblemKind(
        "POSITION_AHEAD", 422, "The book has not come to that position",
        "Ask for a position that an answer has named, or wait for it with min_position.",
    ),
    ProblemKind(
        "POSITION_NOT_REACHED", 503, "The position was not reached in time",
        "What you wrote is safe but cannot be read here yet: ask again after Retry-After.", 1,
    ),
    ProblemKind("QUERY_TIMEOUT", 503, "The question took too long", "Ask for a smaller page, or again later.", 5),
    ProblemKind("STORE_UNAVAILABLE", 503, "The store cannot be reached", "Ask again after Retry-After.", 2),
    ProblemKind("NOT_READY", 503, "This process cannot serve now", "Send requests elsewhere; /healthz says why.", 2),
    ProblemKind(
        "INTERNAL_ERROR", 500, "Something went wrong on our side",
        "Report the trace id: the log holds the cause under it. Asking again does no harm.",
    ),
)  # fmt: skip

BY_CODE: Final[Mapping[str, ProblemKind]] = MappingProxyType({kind.code: kind for kind in PROBLEMS})
CODE_BY_STATUS: Final[Mapping[int, str]] = MappingProxyType(
    {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 422: "PARAMETER_INVALID", 500: "INTERNAL_ERROR"}
)


class ParameterError(BaseModel):
    """What is wrong with one parameter."""

    model_config = ConfigDict(frozen=True)

    parameter: str = Field(description="Name of the parameter, and where it stands: `query.limit`")
    message: str


class Problem(BaseModel):
    """Problem details by RFC 9457."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="Address of the explanation, relative to this API", examples=["/problems/NOT_FOUND"])
    title: str
    status: int
    detail: str
    instance: str = Field(description="The path that was asked for")
    code: str = Field(description="Stable name of the problem", examples=["NOT_FOUND"])
    trace_id: str = Field(description="Under this id the log tells more")
    errors: list[ParameterError] = []


@dataclass(slots=True)
class ProblemError(Exception):
    """Raised by a handler to answer with a problem; `detail` is read by the asker and names no internals."""

    code: str
    detail: str
    errors: Sequence[ParameterError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def problem_response(
    code: str,
    *,
    detail: str,
    instance: str,
    trace_id: str,
    status: int | None = None,
    errors: Sequence[ParameterError] = (),
    headers: Mapping[str, str] = NO_HEADERS,
) -> JSONResponse:
    """The answer for one problem; `status` only where it is not the one of the table."""
    kind = BY_CODE[code]
    problem = Problem(
        type=f"/problems/{code}",
        title=kind.title,
        status=status or kind.status,
        detail=detail or kind.what_to_do,
        instance=instance,
        code=code,
        trace_id=trace_id,
        errors=list(errors),
    )
    retry = {} if kind.retry_after_seconds is None else {"Retry-After": str(kind.retry_after_seconds)}
    return JSONResponse(
        problem.model_dump(), status_code=problem.status, headers={**retry, **headers}, media_type=MEDIA_TYPE
    )
