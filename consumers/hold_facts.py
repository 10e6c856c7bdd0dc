"""Turns validated hold events into the core's facts."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from ledger_core.domain.holds import HoldCaptured, HoldPlaced, HoldReleased, Taker
from ledger_core.domain.vouchers import Purpose, Side
from schemas.envelope import parse_time_us
from schemas.events.holds import HoldCapturedV1, HoldPlacedV1, HoldReleasedV1, TakerData

SIDES: Final[Mapping[str, Side]] = MappingProxyType({"debit": "D", "credit": "C"})
PURPOSES: Final[Mapping[str, int]] = MappingProxyType({purpose.name.lower(): purpose.value for purpose in Purpose})


def hold_placed(data: HoldPlacedV1) -> HoldPlaced:
    expires_at = data.get("expires_at")
    side = data.get("side")
    return HoldPlaced(
        data["hold_id"],
        data["account"],
        int(data["amount_minor"]),
        data["currency"],
        SIDES[side] if side is not None else None,
        data.get("capture_tolerance_bps", 0),
        parse_time_us(expires_at) if expires_at is not None else None,
        data.get("memo", ""),
    )


def hold_captured(data: HoldCapturedV1) -> HoldCaptured:
    stated = data.get("amount_minor")
    return HoldCaptured(
        data["hold_id"],
        takers_of(data["to"]),
        data.get("final", False),
        int(stated) if stated is not None else None,
        data.get("memo", ""),
        data.get("metadata", {}),
    )


def takers_of(takers: Sequence[TakerData]) -> tuple[Taker, ...]:
    return tuple([
        Taker(taker["account"], int(taker["amount_minor"]), PURPOSES[taker.get("purpose", "payment")])
        for taker in takers
    ])  # fmt: skip


def hold_released(data: HoldReleasedV1) -> HoldReleased:
    return HoldReleased(data["hold_id"], data.get("reason", ""))
