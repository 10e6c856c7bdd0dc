"""What a book asks of payments beyond their own order: declared in its chart, versioned with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledger_core.domain.chart_reading import ChartError, only
from ledger_core.domain.money import BASIS_POINTS

DEFAULT_APART_MINUTES: Final = 10
_MEMBERS: Final = {
    "captures", "attempts_apart_minutes", "capture_proof", "capture_tolerance_bps", "void_window_minutes",
    "refund_cover",
}  # fmt: skip
MOST_MINUTES: Final = 60 * 24 * 366 * 10


@dataclass(slots=True, frozen=True)
class PaymentPolicy:
    """Nothing is asked by default. All times are those of the events."""

    captures_once: bool = False
    """A capture needs an intent or authorisation, and no capture before it unless it is declared partial."""
    attempts_apart_minutes: int = 0
    """A capture keeps this distance from every failed attempt of its payment; 0 asks nothing."""
    proof_required: bool = False
    """What is prepaid through a processor says by which transaction."""
    capture_tolerance_bps: int | None = None
    """How far captures may exceed what was authorised of their payment, in basis points of it; None asks nothing."""
    void_window_minutes: int | None = None
    """How long after its capture a payment can be voided; None for ever."""
    refunds_covered: bool = False
    """What each beneficiary bears of a refund must be available of its account, unless the account's limits allow."""

    @property
    def asks(self) -> bool:
        return self != NOTHING

    @property
    def asks_of_captures(self) -> bool:
        return (
            self.captures_once
            or self.proof_required
            or self.attempts_apart_minutes > 0
            or self.capture_tolerance_bps is not None
        )

    def flat(self) -> dict[str, str]:
        """In the words of a chart."""
        said = {
            "captures": "once" if self.captures_once else "",
            "attempts_apart_minutes": str(self.attempts_apart_minutes or ""),
            "capture_proof": "required" if self.proof_required else "",
            "capture_tolerance_bps": "" if self.capture_tolerance_bps is None else str(self.capture_tolerance_bps),
            "void_window_minutes": "" if self.void_window_minutes is None else str(self.void_window_minutes),
            "refund_cover": "available" if self.refunds_covered else "",
        }
        return {name: value for name, value in said.items() if value}


NOTHING: Final = PaymentPolicy()


def policy_from_document(document: object) -> PaymentPolicy:
    """The policy in a chart's member `payments`. Raises `ChartError`.

    `{"captures"?: "any" | "once", "attempts_apart_minutes"?, "capture_proof"?: "optional" | "required",
    "capture_tolerance_bps"?, "void_window_minutes"?, "refund_cover"?: "none" | "available"}`; with captures once
    attempts are ten minutes apart where nothing else is said.
    """
    if not isinstance(document, dict):
        raise ChartError("payments is not an object")
    only(document, "payments", _MEMBERS)
    once = _choice(document, "captures", "any", "once")
    apart = _minutes(document, "attempts_apart_minutes")
    return PaymentPolicy(
        captures_once=once,
        attempts_apart_minutes=(DEFAULT_APART_MINUTES if once else 0) if apart is None else apart,
        proof_required=_choice(document, "capture_proof", "optional", "required"),
        capture_tolerance_bps=_whole(document, "capture_tolerance_bps", BASIS_POINTS, "whole number"),
        void_window_minutes=_minutes(document, "void_window_minutes"),
        refunds_covered=_choice(document, "refund_cover", "none", "available"),
    )


def _choice(document: Mapping[str, object], name: str, usual: str, strict: str) -> bool:
    said = document.get(name, usual)
    if said not in (usual, strict):
        raise ChartError(f"payments: {name} is neither {usual} nor {strict}")
    return said == strict


def _minutes(document: Mapping[str, object], name: str) -> int | None:
    return _whole(document, name, MOST_MINUTES, "number of minutes")


def _whole(document: Mapping[str, object], name: str, most: int, what: str) -> int | None:
    if name not in document:
        return None
    said = document[name]
    if not isinstance(said, int) or isinstance(said, bool) or not 0 <= said <= most:
        raise ChartError(f"payments: {name} is not a {what} from 0 to {most}")
    return said
