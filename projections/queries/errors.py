"""Why a question got no answer, and so what its asker should do.

QueryError
├── NotFoundError             nothing of that name in a book that the asker may see
├── SeveralFoundError         the name fits several things: say which
├── PositionAheadError        asks for a position that the book has not reached: ask for it with
`min_position`
├── PositionNotReachedError   waited for a position in vain: ask again later
├── QueryTimeoutError         took too long and was stopped: ask for less, or again later
└── StoreUnavailableError     no connection to the store, or it was lost: ask again later
"""


class QueryError(Exception):
    """Base of all that the queries raise on purpose."""


class NotFoundError(QueryError, LookupError):
    """There is no such thing at `position`; a foreign one and a missing one look alike."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no such {what}")
        self.what = what
        self.position: int | None = None


class SeveralFoundError(QueryError, LookupError):
    """Several things have this name; `by` is what tells them apart."""

    def __init__(self, what: str, by: str) -> None:
        super().__init__(f"there are several of this {what}: name its {by}, too")
        self.what = what
        self.by = by


class PositionAheadError(QueryError, ValueError):
    """The book has not come to the position asked about."""

    def __init__(self, asked: int, position: int) -> None:
        super().__init__(f"position {asked} is ahead of the book, which stands at {position}")
        self.asked = asked
        self.position = position


class PositionNotReachedError(QueryError):
    """What is read did not come to the position asked for within the time."""

    def __init__(self, asked: int, position: int) -> None:
        super().__init__(f"position {asked} was not reached in time; it stands at {position}")
        self.asked = asked
        self.position = position


class QueryTimeoutError(QueryError):
    """The store stopped the query after the time allowed."""


class StoreUnavailableError(QueryError):
    """The store cannot be reached; the message says no more, since the cause may name hosts and users."""
