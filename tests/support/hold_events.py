"""Hold events as a service would send them, into the book of `postings`."""

from deploy.demo.messages import Message
from tests.support.postings import event

LONG_AGO, LONG_DUE = "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"

Part = tuple[str, int]
"""An account and what it gets."""


def placed(
    hold: str, amount: int = 100, *, of: str = "wallet:buyer:1", currency: str = "EUR", event_id: str = "",
    tolerance_bps: int | None = None, expires_at: str = "", side: str = "", **where: str,
) -> Message:  # fmt: skip
    data: dict[str, object] = {"hold_id": hold, "account": of, "amount_minor": str(amount), "currency": currency}
    if tolerance_bps is not None:
        data["capture_tolerance_bps"] = tolerance_bps
    if expires_at:
        data["expires_at"] = expires_at
    if side:
        data["side"] = side
    return event("hold.placed.v1", hold, event_id or f"placed-{hold}", data, **where)


def taken(
    hold: str, *parts: Part | int, final: bool = False, event_id: str = "", **more: object
) -> Message:  # fmt: skip
    """A capture; a bare amount goes to one seller."""
    to = [(part if isinstance(part, tuple) else ("wallet:seller:1", part)) for part in parts]
    data: dict[str, object] = {
        "hold_id": hold,
        "to": [{"account": account, "amount_minor": str(amount)} for account, amount in to],
        **more,
    }
    if final:
        data["final"] = True
    amounts = "-".join(str(amount) for _, amount in to)
    return event("hold.captured.v1", hold, event_id or f"captured-{hold}-{amounts}", data)


def released(hold: str, *, event_id: str = "") -> Message:
    return event("hold.released.v1", hold, event_id or f"released-{hold}", {"hold_id": hold})
