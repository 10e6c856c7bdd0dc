"""What an event says beside what every event says: by the names that its publisher used, amounts with their currency.

Read from the log when somebody asks. No read model copies it, so none has to be rebuilt for a member that a later
version adds: whatever stands in a state and is no field of ours is a detail.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from projections.queries.amounts import Amount
from projections.queries.vouchers import quote_of

ID_SUFFIX: Final = "_id"
MINOR_SUFFIX: Final = "_minor"
OF_PROCESSOR: Final = "gateway_transaction_id"
"""An id that names no step of ours."""
OWN_IDS: Final = frozenset({"event_id", "originator_id", OF_PROCESSOR})
SIDES: Final = {"D": "debit", "C": "credit"}
_FIELDS: Final = frozenset({
    "kind", "rule", "effective_at", "source", "event_id", "event_type", "cause", "revision", "group", "parked_at",
    "amount_minor", "currency", "lines", "mirrored", "reverses", "compensates", "code", "detail", "waits_for",
    "failure_reason", "stale_quote", "approver", "originator_id", "originator_version", "class_version",
})  # fmt: skip
"""Members of a state that are fields of ours, or that only mirrors and vouchers need."""
_NAMES: Final = frozenset({"kind", "key"})
"""Members of a notice that say which one it is."""


def about_of(said: Mapping[str, Any]) -> dict[str, str]:
    """Ids that a state names, by the names that it gives them: `refund_id`, `settlement_id` …"""
    return {
        name: value
        for name, value in said.items()
        if name.endswith(ID_SUFFIX) and name not in OWN_IDS and isinstance(value, str)
    }


def details_of(
    said: Mapping[str, Any], currency: str, scales: Mapping[str, int], effective_at: datetime | None
) -> dict[str, object]:
    """Details of a state whose amounts are of `currency`; shares of a payment across currencies are of the other."""
    told = {name: value for name, value in said.items() if name not in _FIELDS}
    for name in about_of(told):
        del told[name]
    details: dict[str, object] = {}
    if "exchanged" in told:
        exchanged = told.pop("exchanged")
        currency = exchanged["currency"]
        details["exchanged"] = Amount(int(exchanged["amount_minor"]), currency, scales[currency])
    if "quote" in told and effective_at is not None:
        details["quote"] = quote_of(told.pop("quote"), said.get("stale_quote"), effective_at)
    if "commissions" in told:
        of_accounts = told.pop("commissions")
        details["commissions"] = {name: _amount(minor, currency, scales) for name, minor in of_accounts.items()}
    notice = {name: value for name, value in told.pop("notice", {}).items() if name not in _NAMES}
    if "metadata" in told:
        details["metadata"] = told.pop("metadata")  # its names are the publisher's own
    for name, value in {**told.pop("split", {}), **notice, **told}.items():
        shown, what = _member(name, value, currency, scales)
        details[shown] = what
    return details


def _member(name: str, value: object, currency: str, scales: Mapping[str, int]) -> tuple[str, object]:
    if isinstance(value, Mapping):
        return name, dict(_member(inner, one, currency, scales) for inner, one in value.items())
    if isinstance(value, list):
        return name, [_member("", one, currency, scales)[1] for one in value]
    if name.endswith(MINOR_SUFFIX) and currency in scales:
        return name.removesuffix(MINOR_SUFFIX), _amount(str(value), currency, scales)
    return name, SIDES.get(str(value), value) if name == "side" else value


def _amount(minor: str, currency: str, scales: Mapping[str, int]) -> Amount:
    return Amount(int(minor), currency, scales[currency])
