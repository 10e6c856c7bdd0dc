"""Query and path parameters: strict, bounded, and none of them ignored."""

import re
from datetime import date
from typing import Annotated, Final, Literal, TypeVar

from fastapi import Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

MAX_LIMIT: Final = 1000
MAX_BIGINT: Final = 2**63 - 1
Given = TypeVar("Given")
_DIGITS: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# No control characters: PostgreSQL's text holds no NUL, and nothing that we name has any of the others.
PRINTABLE: Final = r"^[^\x00-\x1f\x7f]+$"


def _digits(value: object) -> object:
    """Whole numbers are ASCII digits: no sign, exponent, underscore, space or digit of another script."""
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        message = "must be a whole number in ASCII digits"
        raise ValueError(message)
    return value


def _day(value: object) -> object:
    """Days are YYYY-MM-DD: no moment that happens to be midnight, and no number of seconds."""
    if isinstance(value, str) and not _DAY.fullmatch(value):
        message = "must be a day, YYYY-MM-DD"
        raise ValueError(message)
    return value


def _alone(value: Given, info: ValidationInfo) -> Given:
    """A parameter that would say the same as the two times in other words, or contradict them."""
    if value is not None and any(info.data.get(other) is not None for other in ("effective_at", "known_at_position")):
        message = "stands alone: not with effective_at or known_at_position"
        raise ValueError(message)
    return value


Day = Annotated[date, BeforeValidator(_day)]
Position = Annotated[int, Field(ge=0, le=MAX_BIGINT), BeforeValidator(_digits)]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT), BeforeValidator(_digits)]
CursorText = Annotated[str, Field(max_length=2000)]
CURSOR: Final = "From the page before; never made by hand"
MIN_POSITION: Final = "Wait until this position can be read (your own write), or answer 503"
KNOWN_AT: Final = "As it was known at this position: of what was recorded up to it; now, when left out"
AS_OF: Final = "As it was known at this position; now, when left out"


class Strict(BaseModel):
    """Base of all: what is not named here is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OfBook(Strict):
    """What every question about a book takes."""

    min_position: Position = Field(default=0, description=MIN_POSITION)


class AtPosition(OfBook):
    """A question that can be asked about an earlier position."""

    as_of_position: Position | None = Field(default=None, description=AS_OF)


class InTwoTimes(OfBook):
    """A question about what took effect through a day, as it was known at a position."""

    effective_at: Day | None = Field(
        default=None, description="What took effect through this UTC day, inclusive; all of it, when left out"
    )
    known_at_position: Position | None = Field(default=None, description=KNOWN_AT)


class BalanceQuery(InTwoTimes):
    """A balance now, at a position, at a date, or both."""

    as_of_position: Position | None = Field(default=None, description="The same as known_at_position alone")

    @field_validator("as_of_position")
    @classmethod
    def _stands_alone(cls, value: int | None, info: ValidationInfo) -> int | None:
        return _alone(value, info)


class BookPage(Strict):
    """A page of books."""

    limit: Limit = 100
    cursor: CursorText | None = Field(default=None, description=CURSOR)


class AccountPage(OfBook):
    """A page of accounts, in the order of their codes."""

    limit: Limit = 100
    cursor: CursorText | None = Field(default=None, description=CURSOR)


class StatementQuery(AtPosition):
    """A page of a statement; all pages that follow a first one are read at its position."""

    order: Literal["oldest_first", "newest_first"] = "oldest_first"
    limit: Limit = 100
    cursor: CursorText | None = Field(default=None, description=CURSOR)


class ExplainQuery(BalanceQuery):
    """A page of an explanation; all pages that follow a first one are read at its position."""

    entries: Literal["all", "since_zero"] = Field(
        default="all",
        description="All, or only those since the balance last was zero, with sums on the first page; not at a date",
    )

    @field_validator("entries")
    @classmethod
    def _of_all_dates(cls, value: str, info: ValidationInfo) -> str:
        if value == "since_zero" and info.data.get("effective_at") is not None:
            message = "not with effective_at: what is backdated moves where the balance was zero"
            raise ValueError(message)
        return value

    limit: Limit = 100
    cursor: CursorText | None = Field(default=None, description=CURSOR)


class DaysQuery(OfBook):
    """A page of an account's days."""

    through: Day | None = Field(default=None, description="Last UTC day, inclusive")
    limit: Limit = 100
    cursor: CursorText | None = Field(default=None, description=CURSOR)


class EventQuery(OfBook):
    """The key of an upstream event."""

    source: str = Field(min_length=1, max_length=2048, pattern=PRINTABLE, description="ce_source of the event")
    id: str = Field(min_length=1, max_length=2048, pattern=PRINTABLE, description="ce_id of the event")


class TrialBalanceQuery(InTwoTimes):
    """The trial balance now, up to a day as far as the projection has come, or exactly in two times."""

    through: Day | None = Field(
        default=None, description="UTC day of effective_at, inclusive, from the projection: fast, at its own position"
    )

    @field_validator("through")
    @classmethod
    def _stands_alone(cls, value: date | None, info: ValidationInfo) -> date | None:
        return _alone(value, info)


class FindingPage(OfBook):
    """A page of findings, in the order of code and subject."""

    state: Literal["OPEN", "RESOLVED"] | None = None
    code: str | None = Field(default=None, max_length=64, pattern=r"^[A-Z][A-Z0-9_]*$")
    limit: Limit = 100
    cursor: CursorText | None = Field(default=None, description=CURSOR)


BookCode = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$", description="Code of the book")]
AccountCode = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,199}$", description="Code of the account")]
VoucherNo = Annotated[
    int, Path(ge=1, le=MAX_BIGINT, description="Number of the voucher in its book"), BeforeValidator(_digits)
]
PeriodEnd = Annotated[date, Path(description="Last day of the period, in UTC"), BeforeValidator(_day)]
OrderKey = Annotated[str, Path(max_length=1000, pattern=PRINTABLE, description="Order key of the payment")]

OfBookQuery = Annotated[OfBook, Query()]
