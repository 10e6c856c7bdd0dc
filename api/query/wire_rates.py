"""The answers about exchange rates, on the wire."""

from datetime import datetime
from typing import Self

from pydantic import Field

from api.query.wire import Position, Wire
from projections.queries import rates as queries


class Rate(Wire):
    base: str
    counter: str
    rate: str = Field(description="Units of `counter` for one of `base`: an exact decimal, as it was published")
    provider: str
    source: str
    published_at: datetime = Field(description="The rate's own time")
    valid_until: datetime | None = Field(description="When it ends to hold, where its publisher says so")
    age_seconds: int = Field(description="How long after it was published the last thing in the book took effect")
    stale: bool = Field(description="Older than the book's chart lets a rate be, or past its `valid_until`")
    publications: int = Field(description="How often a rate of the pair was published")
    position: Position = Field(description="Where it stands in the book's log")


class RatesAnswer(Wire):
    book: str
    position: Position = Field(description="How far the projection of rates has come")
    newest_effective_at: datetime | None = Field(description="What rates are old against; null without any")
    max_age_minutes: int | None = Field(description="How old the chart in force lets a rate be; null: it says nothing")
    rates: list[Rate]

    @classmethod
    def of(cls, book: str, position: int, found: queries.Rates) -> Self:
        return cls(
            book=book, position=position, newest_effective_at=found.newest_effective_at,
            max_age_minutes=found.max_age_minutes,
            rates=[Rate.model_validate(rate, from_attributes=True) for rate in found.rates],
        )  # fmt: skip
