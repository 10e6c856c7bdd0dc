"""The table of event types: to add one is a typed dictionary, a row here, a rule and an example."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from schemas.events.accounts import AccountClosedV1, AccountFrozenV1, AccountOpenedV1, AccountUnfrozenV1
from schemas.events.holds import HoldCapturedV1, HoldPlacedV1, HoldReleasedV1
from schemas.events.payments import (
    PaymentAuthorizedV1,
    PaymentCapturedV1,
    PaymentRefundedV1,
    PaymentVoidedV1,
    PayoutPaidV1,
)
from schemas.events.vouchers import VoucherGroupRequestedV1, VoucherRequestedV1, VoucherVoidRequestedV1

EVENT_TYPES: Mapping[str, type] = MappingProxyType({
    "payment.authorized.v1": PaymentAuthorizedV1,
    "payment.captured.v1": PaymentCapturedV1,
    "payment.voided.v1": PaymentVoidedV1,
    "payment.refunded.v1": PaymentRefundedV1,
    "payout.paid.v1": PayoutPaidV1,
    "voucher.requested.v1": VoucherRequestedV1,
    "voucher.group_requested.v1": VoucherGroupRequestedV1,
    "hold.placed.v1": HoldPlacedV1,
    "hold.captured.v1": HoldCapturedV1,
    "hold.released.v1": HoldReleasedV1,
    "voucher.void_requested.v1": VoucherVoidRequestedV1,
    "account.opened.v1": AccountOpenedV1,
    "account.frozen.v1": AccountFrozenV1,
    "account.unfrozen.v1": AccountUnfrozenV1,
    "account.closed.v1": AccountClosedV1,
})  # fmt: skip

_VERSION = re.compile(r"\.v[0-9]{1,6}$")


def family(event_type: str) -> str:
    """The type without its version: `payment.captured` of `payment.captured.v1`."""
    return _VERSION.sub("", event_type)


FAMILIES = frozenset(family(event_type) for event_type in EVENT_TYPES)
