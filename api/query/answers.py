"""What pages and positions look like in an answer: headers, links and cursors."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final
from urllib.parse import urlencode

from fastapi import Request, Response

from api.cursors import Cursor, CursorError
from api.problems import ProblemError
from api.query.parameters import OfBook
from api.query.services import Services
from projections.queries.snapshot import Reads, Snapshot, snapshot

POSITION_HEADER: Final = "Ledger-Position"
NOT_OF_THE_QUESTION: Final = frozenset({"cursor", "limit", "min_position"})
START: Final = Cursor(after=())


def snapshot_for(
    services: Services, book: str, query: OfBook, *, reads: Reads = Reads.LOG, at_least: int = 0
) -> AbstractContextManager[Snapshot]:
    """The snapshot that answers this question, at `min_position` and `at_least` or after both."""
    return snapshot(
        services.pool,
        book,
        reads=reads,
        min_position=max(query.min_position, at_least),
        wait_seconds=services.wait_seconds,
    )


def name_position(response: Response, position: int) -> None:
    """Every answer from a book says which position it is at."""
    response.headers[POSITION_HEADER] = str(position)


def read_cursor(services: Services, request: Request, text: str | None) -> Cursor:
    """The cursor of this request, or the start."""
    if text is None:
        return START
    try:
        return services.cursors.read(text, _question(request))
    except CursorError as error:
        raise ProblemError("CURSOR_INVALID", f"{error}") from error


def link_next(
    services: Services, request: Request, response: Response, after: Sequence[str], position: int | None = None
) -> str:
    """The cursor of the next page, and its link in the header."""
    cursor = services.cursors.issue(Cursor(tuple(after), position), _question(request))
    parameters = {**request.query_params, "cursor": cursor}
    response.headers["Link"] = f'<{request.url.path}?{urlencode(parameters)}>; rel="next"'
    return cursor


def _question(request: Request) -> Mapping[str, str]:
    """What a cursor is bound to: the thing asked about and every filter; not how much of it at a time."""
    filters = {name: value for name, value in request.query_params.items() if name not in NOT_OF_THE_QUESTION}
    return {**filters, "": request.url.path}
