"""What a voucher says of itself beside its lines, as names and values that every journal can hold."""

from collections.abc import Iterator
from typing import Any, Final

from projections.exports.names import one_line
from projections.exports.vouchers import Voucher

STATE_MEMBERS: Final = ("rule", "effective_at", "source", "event_id", "event_type")
LINKS: Final = ("reverses", "compensates")
NAMES: Final = ("position", *STATE_MEMBERS, "record", "memo", *LINKS)
"""Every name that `facts_of` gives."""


def day_of(voucher: Voucher) -> str:
    """The UTC day on which it took effect."""
    return str(voucher.state["effective_at"])[:10]


def title_of(voucher: Voucher) -> str:
    """Its kind, and what it belongs to."""
    return one_line(f"{voucher.state['kind']} {voucher.order_key}")


def facts_of(voucher: Voucher) -> Iterator[tuple[str, str]]:
    """Names and values, those that the voucher has; each value stays on its line."""
    state = voucher.state
    yield "position", str(voucher.position)
    for name in STATE_MEMBERS:
        if name in state:
            yield name, one_line(str(state[name]))
    if cause := state.get("cause"):
        yield "record", one_line("/".join(map(str, cause)))
    if memo := state.get("memo"):
        yield "memo", one_line(str(memo))
    for name in LINKS:
        if name in state:
            yield name, one_line(_reference(state[name]))


def _reference(value: Any) -> str:
    """The vouchers that a link names: by their numbers where they have some."""
    if isinstance(value, list):
        return ", ".join(map(_reference, value))
    if isinstance(value, dict):
        value = value.get("voucher_no") or value.get("event_id") or value.get("position")
    return str(value)
