"""The table of events and their faults, and which of them cannot meet in one event."""

from collections.abc import Callable, Mapping

from ledger_core.domain.outcomes import Code
from tests.support.faults import cash, transfers
from tests.support.faults.accounts import (
    CLOSING,
    FREEZING,
    KEPT,
    OPENING,
    THAWING,
    account_change,
    closing,
    closing_kept,
    thaw,
)
from tests.support.faults.by_hand import GROUP, VOID, VOUCHER, group, void, voucher
from tests.support.faults.cash import at_drawer
from tests.support.faults.exchanges import ACROSS, RATE, REFUND_ACROSS, across, rate, refund_across
from tests.support.faults.holds import PLACING, TAKING, placing, taking
from tests.support.faults.payments import (
    CAPTURE,
    CHARGEBACK,
    DISPUTE_WON,
    FAILURE,
    FEE,
    FEE_REFUND,
    FEE_RETRY,
    LAPSE,
    PAYOUT,
    REFUND_AT_ONCE,
    REFUND_DONE,
    REFUND_REQUEST,
    SETTLEMENT,
    VOID_OF_PAYMENT,
    capture,
    shared,
    step,
    step_of,
)
from tests.support.faults.splits import SPLIT, split
from tests.support.faults.telling import Fault, Telling
from tests.support.postings import authorized, captured

Carrier = tuple[Callable[[int], Telling], Mapping[Code, Fault]]
"""What makes the event as it should be, and its faults in the order in which they are put in."""

CARRIERS: Mapping[str, Carrier] = {
    "a voucher": (voucher, VOUCHER),
    "a group": (group, GROUP),
    "a capture": (capture, CAPTURE),
    "a split": (split, SPLIT),
    "a capture across currencies": (across, ACROSS),
    "the refund of one": (refund_across, REFUND_ACROSS),
    "a rate": (rate, RATE),
    "the void of a payment": (step_of("payment.voided.v1", captured), VOID_OF_PAYMENT),
    "a failed payment": (step_of("payment.failed.v1"), FAILURE),
    "a lapsed authorisation": (step_of("payment.authorization_expired.v1", authorized), LAPSE),
    "a refund at once": (
        lambda number: shared(step_of("payment.refunded.v1", captured)(number)), REFUND_AT_ONCE
    ),
    "a refund that is asked for": (step_of("refund.requested.v1", captured), REFUND_REQUEST),
    "a refund that is done": (step_of(
        "refund.completed.v1", captured, step("refund.requested.v1"), step("refund.approved.v1")
    ), REFUND_DONE),
    "a chargeback": (lambda number: shared(step_of("chargeback.opened.v1", captured)(number)), CHARGEBACK),
    "a chargeback that is won": (step_of(
        "chargeback.won.v1", captured, step("chargeback.opened.v1", fee_minor="5")
    ), DISPUTE_WON),
    "a settlement": (step_of("settlement.confirmed.v1", captured), SETTLEMENT),
    "a payout": (step_of("payout.paid.v1", step("payout.requested.v1")), PAYOUT),
    "the refund of a fee": (step_of("fee.refunded.v1", step("fee.charged.v1")), FEE_REFUND),
    "another attempt at a fee": (step_of("fee.retried.v1", step("fee.failed.v1", attempt=9)), FEE_RETRY),
    "a fee": (step_of("fee.charged.v1"), FEE),
    "the settlement of a transfer": (transfers.settlement, transfers.SETTLED),
    "a deposit": (transfers.deposit, transfers.DEPOSIT),
    "a deposit that goes back": (
        step_of("transfer.inflow.compensated.v1", transfers.REQUESTED, transfers.RECEIVED), transfers.COMPENSATION
    ),
    "an approval": (step_of("transfer.approved.v1", transfers.REQUESTED), transfers.APPROVAL),
    "a sweep": (transfers.sweep, transfers.SWEEP),
    "cash that is given back": (at_drawer("cash.refunded.v1", "drawer.opened.v1"), cash.REFUND),
    "a drawer that opens": (at_drawer("drawer.opened.v1"), cash.OPENING),
    "a drawer that closes": (at_drawer("drawer.closed.v1", "drawer.opened.v1"), cash.CLOSING),
    "a void by request": (void, VOID),
    "a hold": (placing, PLACING),
    "a capture of a hold": (taking, TAKING),
    "the end of an account": (closing, CLOSING),
    "the end of an account kept per order key": (closing_kept, KEPT),
    "an account": (account_change("account.opened.v1", type="liability", currency="EUR"), OPENING),
    "a freeze": (account_change("account.frozen.v1", reason="a test"), FREEZING),
    "a thaw": (thaw, THAWING),
}  # fmt: skip


def _between(one: set[Code], other: set[Code]) -> set[frozenset[Code]]:
    return {frozenset((a, b)) for a in one for b in other if a is not b}


def _among(codes: set[Code]) -> set[frozenset[Code]]:
    return _between(codes, codes)


_UNREADABLE = {
    Code.RECORD_TOO_LARGE, Code.NOT_UTF8, Code.NOT_JSON, Code.TOO_DEEP, Code.DUPLICATE_JSON_KEY
}  # fmt: skip
_NAMED = {
    Code.VOUCHER_UNKNOWN, Code.ALREADY_REVERSED, Code.REVERSAL_NOT_REVERSIBLE, Code.COGS_NOT_VOIDABLE,
    Code.INVENTORY_ADJUSTMENT_NOT_VOIDABLE, Code.STEP_NOT_VOIDABLE, Code.VOID_AFTER_REFUND,
}  # fmt: skip
_OF_CLOSED = {Code.ALREADY_REVERSED, Code.VOID_AFTER_REFUND, Code.VOUCHER_UNKNOWN}
"""Which can be said of one that took effect in a closed period."""
_TAKEN = {Code.VOID_AFTER_REFUND, Code.VOID_WINDOW_PASSED}
_ENDED = {Code.HOLD_CAPTURED, Code.HOLD_RELEASED, Code.HOLD_EXPIRED}
_OF_ONE_ACCOUNT = {
    Code.CONTROL_ACCOUNT_MISSING, Code.ACCOUNT_MISSING, Code.ACCOUNT_CURRENCY_MISMATCH, Code.ACCOUNT_CLOSED,
    Code.ACCOUNT_FROZEN, Code.INSUFFICIENT_AVAILABLE, Code.LIMIT_MAXIMUM, Code.ACCOUNT_NOT_ZERO,
}  # fmt: skip


def _of_steps(state: Code) -> set[frozenset[Code]]:
    """A step of a payment on which nothing was captured is the first; a payment with a step is not voided."""
    return _between({Code.PREDECESSOR_ABSENT}, {Code.CURRENCY_MISMATCH, state}) | _between(
        {Code.PAYMENT_VOIDED}, {state}
    )


APART: Mapping[str, set[frozenset[Code]]] = {
    # an empty record is nothing else; an event has one book, and one type
    "the record": _between({Code.RECORD_EMPTY}, _UNREADABLE)
    | _among({Code.BOOK_UNKNOWN, Code.BOOK_DROPPED})
    | _among({Code.EVENT_TYPE_UNKNOWN, Code.SCHEMA_VERSION_UNKNOWN}),
    # a payment ends once
    "a capture": _between({Code.PAYMENT_FAILED}, {Code.AUTHORIZATION_EXPIRED, Code.PAYMENT_VOIDED}),
    # what was captured in one currency is nothing that was called off, or failed
    "a capture across currencies": _between({Code.PAYMENT_FAILED}, {Code.PAYMENT_VOIDED, Code.CURRENCY_MISMATCH})
    | _between({Code.PAYMENT_VOIDED}, {Code.CURRENCY_MISMATCH}),
    "the refund of one": _of_steps(Code.REFUND_STATE_INVALID),
    # one of which something was captured has not failed; one that was called off is in no custody any more; and dollars
    # are another currency than what was captured before
    "a split": _between({Code.PAYMENT_FAILED}, {Code.CUSTODY_DIFFERS, Code.PAYMENT_VOIDED})
    | _between({Code.PLATFORM_COMMISSION_RECIPIENT_MISSING}, {Code.CUSTODY_DIFFERS, Code.PAYMENT_VOIDED}),
    # what was taken of a payment, or that nothing was captured, keeps it from having been voided
    "the void of a payment": _between({Code.PREDECESSOR_ABSENT, Code.PAYMENT_FAILED}, _TAKEN | {Code.ALREADY_VOIDED})
    | _between({Code.ALREADY_VOIDED}, _TAKEN),
    "a refund at once": _of_steps(Code.REFUND_STATE_INVALID),
    "a refund that is asked for": _of_steps(Code.REFUND_STATE_INVALID),
    "a chargeback": _of_steps(Code.CHARGEBACK_STATE_INVALID),
    # what was not charged has no currency
    "the refund of a fee": _between({Code.PREDECESSOR_ABSENT}, {Code.CURRENCY_MISMATCH}),
    "a settlement": _of_steps(Code.SETTLEMENT_STATE_INVALID),
    # what failed waits for no deposit; each goes to one account, or comes from one
    "the settlement of a transfer": _between({Code.PREDECESSOR_ABSENT}, {Code.TRANSFER_STATE_INVALID})
    | _among(_OF_ONE_ACCOUNT & set(transfers.SETTLED)),
    # a transfer that nobody requested has no currency, no deposits and no flag
    "a deposit": _between(
        {Code.PREDECESSOR_ABSENT}, {Code.CURRENCY_MISMATCH, Code.TRANSFER_STATE_INVALID, Code.TRANSFER_GATE_CLOSED}
    )
    | _among((_OF_ONE_ACCOUNT | {Code.LIMIT_MINIMUM}) & set(transfers.DEPOSIT)),
    # a request names one voucher
    "a void by request": _among(_NAMED)
    # a request of a closed time itself waits
    | _between({Code.VOUCHER_PERIOD_CLOSED}, {Code.PERIOD_CLOSED, *_NAMED} - _OF_CLOSED),
    # a hold has one account; one that was never placed has no end, and each has one
    "a hold": _among(_OF_ONE_ACCOUNT & set(PLACING)),
    "a capture of a hold": _among(_ENDED | {Code.HOLD_UNKNOWN})
    | _between({Code.HOLD_UNKNOWN}, {Code.CAPTURE_EXCEEDS_HOLD}),
    # what is left of an account goes to one other, or nowhere
    "the end of an account": _among(_OF_ONE_ACCOUNT & set(CLOSING)),
}
"""By carrier: the faults of which one event can't have both."""
