"""Exchange rates as somebody publishes them, version 1. The `subject` is the pair, `EUR/BRL`: its rates stay in order.

Fields stand in alphabetical order, as in `payments.py`.
"""

from typing import Annotated, NotRequired

from pydantic import AfterValidator, Field, with_config
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from schemas.events.payments import STRICT, Currency, Identifier, Rate, RateSource, _is_time

PublishedAt = Annotated[
    str,
    AfterValidator(_is_time),
    Field(
        description="The rate's own time, RFC 3339: the latest one stands, in whatever order they come",
        examples=["2026-10-01T09:00:00Z"],
        json_schema_extra={"format": "date-time"},
    ),
]
ValidUntil = Annotated[
    str,
    AfterValidator(_is_time),
    Field(
        description="When it ends to hold, RFC 3339; as the book's chart says if absent",
        examples=["2026-10-02T09:00:00Z"],
        json_schema_extra={"format": "date-time"},
    ),
]


@with_config(STRICT)
class FxRatePublishedV1(TypedDict):
    """What one currency costs in another, by a provider at a time. Recorded: nothing is posted by it."""

    base: Currency
    counter: Currency
    provider: Annotated[Identifier, Field(description="Who publishes it", examples=["ecb"])]
    published_at: PublishedAt
    rate: Rate
    source: RateSource
    valid_until: NotRequired[ValidUntil]
