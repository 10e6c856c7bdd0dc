"""The request to take a posted voucher back, and where vouchers stand."""

from dataclasses import dataclass
from typing import NamedTuple

from ledger_core.domain.requests import VoucherRef


class VoucherLink(NamedTuple):
    """Where a voucher stands in its book."""

    position: int
    voucher_no: int


@dataclass(slots=True)
class VoidRequested:
    """Somebody asks for the mirror of one voucher, whatever posted it."""

    voucher: VoucherRef
    reason: str
    requested_by: str = ""
    in_open_period: bool = False
    """Whoever asks knows that the voucher's period may be closed, and wants its mirror in the open one."""
