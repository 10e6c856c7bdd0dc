"""Turns validated data of exchange rates into the core's facts."""

from ledger_core.domain.notices import FxRatePublished
from schemas.envelope import parse_time_us
from schemas.events.rates import FxRatePublishedV1


def fx_rate_published(data: FxRatePublishedV1) -> FxRatePublished:
    until = data.get("valid_until")
    return FxRatePublished(
        data["base"], data["counter"], data["rate"], data["provider"], data["source"],
        parse_time_us(data["published_at"]), parse_time_us(until) if until is not None else None,
    )  # fmt: skip


def currencies(data: FxRatePublishedV1) -> set[str]:
    return {data["base"], data["counter"]}
