"""What can become of an upstream event, and every reason why not, in order of precedence."""

from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """What became of one consumed record; each record has exactly one."""

    __hash__ = str.__hash__  # an enum's own costs a call in Python for every event that is counted

    POSTED = "POSTED"
    RECORDED = "RECORDED"
    REPLAYED = "REPLAYED"
    SKIPPED = "SKIPPED"
    REJECTED = "REJECTED"
    PARKED = "PARKED"


class SkipReason(StrEnum):
    """Why an event is SKIPPED: nothing is wrong with it, and it is not for this book."""

    DECIDED_ELSEWHERE = "DECIDED_ELSEWHERE"
    SOURCE_NOT_CHOSEN = "SOURCE_NOT_CHOSEN"


class Code(StrEnum):
    """Stable names of refusals. The order here is the order of precedence: the first that holds is the answer.

    It is the order in which things become known: the bytes, the key, what the data say by themselves, what went before
    under the order key, the accounts, and last what counters and limits would become.
    """

    # can the bytes be read at all?
    RECORD_TOO_LARGE = "RECORD_TOO_LARGE"
    RECORD_EMPTY = "RECORD_EMPTY"
    NOT_UTF8 = "NOT_UTF8"
    NOT_JSON = "NOT_JSON"
    TOO_DEEP = "TOO_DEEP"
    DUPLICATE_JSON_KEY = "DUPLICATE_JSON_KEY"
    ENVELOPE_INVALID = "ENVELOPE_INVALID"
    # is it for this book?
    BOOK_MISMATCH = "BOOK_MISMATCH"
    BOOK_UNKNOWN = "BOOK_UNKNOWN"
    BOOK_DROPPED = "BOOK_DROPPED"
    # was it seen before? An id that was decided is answered so whatever its data say now
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    # do we know its kind, and may it come from there?
    EVENT_TYPE_UNKNOWN = "EVENT_TYPE_UNKNOWN"
    SCHEMA_VERSION_UNKNOWN = "SCHEMA_VERSION_UNKNOWN"
    SOURCE_NOT_ALLOWED = "SOURCE_NOT_ALLOWED"
    # is what it says well formed?
    AMOUNT_NOT_POSITIVE = "AMOUNT_NOT_POSITIVE"
    AMOUNT_INVALID = "AMOUNT_INVALID"
    CURRENCY_UNKNOWN = "CURRENCY_UNKNOWN"
    DATA_INVALID = "DATA_INVALID"
    FX_QUOTE_INVALID = "FX_QUOTE_INVALID"
    QUOTE_MISMATCH = "QUOTE_MISMATCH"
    QUOTE_STALE = "QUOTE_STALE"
    SIGN_OFFS_NOT_DISTINCT = "SIGN_OFFS_NOT_DISTINCT"
    SPLIT_ORDER_NOT_CONFIGURED = "SPLIT_ORDER_NOT_CONFIGURED"
    SPLIT_LEGS_UNBALANCED = "SPLIT_LEGS_UNBALANCED"
    VOUCHER_UNBALANCED = "VOUCHER_UNBALANCED"
    SUM_TOO_LARGE = "SUM_TOO_LARGE"
    # may it happen now, by its order key?
    ORDER_KEY_PARKED = "ORDER_KEY_PARKED"
    ALREADY_TOLD = "ALREADY_TOLD"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    PAYMENT_VOIDED = "PAYMENT_VOIDED"
    ALREADY_VOIDED = "ALREADY_VOIDED"
    VOUCHER_UNKNOWN = "VOUCHER_UNKNOWN"
    ORDER_KEY_DIFFERS = "ORDER_KEY_DIFFERS"
    ALREADY_REVERSED = "ALREADY_REVERSED"
    REVERSAL_NOT_REVERSIBLE = "REVERSAL_NOT_REVERSIBLE"
    COGS_NOT_VOIDABLE = "COGS_NOT_VOIDABLE"
    INVENTORY_ADJUSTMENT_NOT_VOIDABLE = "INVENTORY_ADJUSTMENT_NOT_VOIDABLE"
    STEP_NOT_VOIDABLE = "STEP_NOT_VOIDABLE"
    VOUCHER_PERIOD_CLOSED = "VOUCHER_PERIOD_CLOSED"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    AUTHORIZATION_EXPIRED = "AUTHORIZATION_EXPIRED"
    PAYMENT_CAPTURED = "PAYMENT_CAPTURED"
    CUSTODY_DIFFERS = "CUSTODY_DIFFERS"
    TRANSFER_BLOCKED = "TRANSFER_BLOCKED"
    PREDECESSOR_ABSENT = "PREDECESSOR_ABSENT"
    CAPTURE_PROOF_MISSING = "CAPTURE_PROOF_MISSING"
    CAPTURE_TOO_SOON = "CAPTURE_TOO_SOON"
    REFUND_STATE_INVALID = "REFUND_STATE_INVALID"
    CHARGEBACK_STATE_INVALID = "CHARGEBACK_STATE_INVALID"
    SETTLEMENT_STATE_INVALID = "SETTLEMENT_STATE_INVALID"
    PAYOUT_STATE_INVALID = "PAYOUT_STATE_INVALID"
    FEE_STATE_INVALID = "FEE_STATE_INVALID"
    FEE_PERMANENTLY_FAILED = "FEE_PERMANENTLY_FAILED"
    TRANSFER_STATE_INVALID = "TRANSFER_STATE_INVALID"
    ALREADY_COMPENSATED = "ALREADY_COMPENSATED"
    APPROVAL_NOT_DISTINCT = "APPROVAL_NOT_DISTINCT"
    VOID_AFTER_REFUND = "VOID_AFTER_REFUND"
    VOID_WINDOW_PASSED = "VOID_WINDOW_PASSED"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"
    ACCOUNT_DIFFERS = "ACCOUNT_DIFFERS"
    FX_RATE_CONFLICT = "FX_RATE_CONFLICT"
    CAPTURE_EXCEEDS_AUTHORIZED = "CAPTURE_EXCEEDS_AUTHORIZED"
    REFUND_EXCEEDS_CAPTURED = "REFUND_EXCEEDS_CAPTURED"
    CHARGEBACK_EXCEEDS_CAPTURED = "CHARGEBACK_EXCEEDS_CAPTURED"
    SETTLEMENT_EXCEEDS_CAPTURED = "SETTLEMENT_EXCEEDS_CAPTURED"
    FEE_REFUND_EXCEEDS_CHARGED = "FEE_REFUND_EXCEEDS_CHARGED"
    INFLOW_EXCEEDS_TRANSFER = "INFLOW_EXCEEDS_TRANSFER"
    TRANSFER_GATE_CLOSED = "TRANSFER_GATE_CLOSED"
    SELLER_BALANCE_INSUFFICIENT = "SELLER_BALANCE_INSUFFICIENT"
    DRAWER_OPEN = "DRAWER_OPEN"
    DRAWER_CLOSED = "DRAWER_CLOSED"
    HOLD_UNKNOWN = "HOLD_UNKNOWN"
    HOLD_EXISTS = "HOLD_EXISTS"
    HOLD_CAPTURED = "HOLD_CAPTURED"
    HOLD_RELEASED = "HOLD_RELEASED"
    HOLD_EXPIRED = "HOLD_EXPIRED"
    CAPTURE_EXCEEDS_HOLD = "CAPTURE_EXCEEDS_HOLD"
    # do its accounts take it?
    SWEEP_RULE_MISSING = "SWEEP_RULE_MISSING"
    SELLER_PAYOUT_PROFILE_MISSING = "SELLER_PAYOUT_PROFILE_MISSING"
    PLATFORM_COMMISSION_RECIPIENT_MISSING = "PLATFORM_COMMISSION_RECIPIENT_MISSING"
    CONTROL_ACCOUNT_MISSING = "CONTROL_ACCOUNT_MISSING"
    SAME_ACCOUNT_BOTH_SIDES = "SAME_ACCOUNT_BOTH_SIDES"
    ACCOUNT_MISSING = "ACCOUNT_MISSING"
    ACCOUNT_CURRENCY_MISMATCH = "ACCOUNT_CURRENCY_MISMATCH"
    ACCOUNT_CLOSED = "ACCOUNT_CLOSED"
    ACCOUNT_EXISTS_DIFFERENTLY = "ACCOUNT_EXISTS_DIFFERENTLY"
    ACCOUNT_ALREADY_FROZEN = "ACCOUNT_ALREADY_FROZEN"
    ACCOUNT_NOT_FROZEN = "ACCOUNT_NOT_FROZEN"
    ACCOUNT_HELD = "ACCOUNT_HELD"
    ACCOUNT_NOT_ZERO = "ACCOUNT_NOT_ZERO"
    ACCOUNT_KEYS_NOT_ZERO = "ACCOUNT_KEYS_NOT_ZERO"
    ACCOUNT_FROZEN = "ACCOUNT_FROZEN"
    # may it be posted at that amount and time?
    LIMIT_MINIMUM = "LIMIT_MINIMUM"
    LIMIT_MAXIMUM = "LIMIT_MAXIMUM"
    INSUFFICIENT_AVAILABLE = "INSUFFICIENT_AVAILABLE"
    PERIOD_CLOSED = "PERIOD_CLOSED"
    OVERFLOW = "OVERFLOW"
    # is it refused for another's sake?
    GROUP_MEMBER_REFUSED = "GROUP_MEMBER_REFUSED"


PARKING_CODES = frozenset(
    {
        Code.BOOK_UNKNOWN,
        Code.EVENT_TYPE_UNKNOWN,
        Code.SCHEMA_VERSION_UNKNOWN,
        Code.ORDER_KEY_PARKED,
        Code.PREDECESSOR_ABSENT,
        Code.TRANSFER_GATE_CLOSED,
        Code.HOLD_UNKNOWN,
        Code.SWEEP_RULE_MISSING,
        Code.SELLER_PAYOUT_PROFILE_MISSING,
        Code.PLATFORM_COMMISSION_RECIPIENT_MISSING,
        Code.CONTROL_ACCOUNT_MISSING,
        Code.ACCOUNT_MISSING,
        Code.ACCOUNT_FROZEN,
        Code.PERIOD_CLOSED,
    }
)
"""Refusals that may be right later: the event is PARKED. Every other one is REJECTED for good."""

BOOKLESS_CODES = frozenset(
    {
        Code.RECORD_TOO_LARGE,
        Code.RECORD_EMPTY,
        Code.NOT_UTF8,
        Code.NOT_JSON,
        Code.TOO_DEEP,
        Code.DUPLICATE_JSON_KEY,
        Code.ENVELOPE_INVALID,
        Code.BOOK_MISMATCH,
        Code.BOOK_UNKNOWN,
        Code.BOOK_DROPPED,
    }
)
"""Refusals of records that no book can be trusted to own: they stand in the system book (id 0)."""


class Refusal(NamedTuple):
    """Why an event did not post. `waits_for` names what would heal it, in one of the forms of `Awaited`: event types
    joined by `|`, `account:<code>`, `control:<role>:<currency>`, `book:<code>`, `schema:<type>`, `period`,
    `voucher:<source>#<event id>`, `profile:<beneficiary>`, `gate:<which>`, `sweep:<rule>`, `order_key`."""

    code: Code
    detail: str
    waits_for: str = ""
    fault: Code | None = None
    """Of a group's member that is refused for another's sake: the code of that one, which decides the outcome."""

    @property
    def outcome(self) -> Outcome:
        return Outcome.PARKED if (self.fault or self.code) in PARKING_CODES else Outcome.REJECTED

    @property
    def place(self) -> int:
        """Its place in the order of precedence."""
        return _PLACE[self.code]

    @property
    def final(self) -> bool:
        """True when nothing that is known of the order key can come first: rejected, whatever is parked there."""
        code = self.fault or self.code
        return code not in PARKING_CODES and _PLACE[code] < _PLACE[Code.ORDER_KEY_PARKED]


_PLACE = {code: place for place, code in enumerate(Code)}


def first_of(one: Refusal | None, other: Refusal | None) -> Refusal | None:
    """The one of two refusals that comes first in the order of `Code`."""
    if one is None or other is None:
        return one or other
    return one if _PLACE[one.fault or one.code] <= _PLACE[other.fault or other.code] else other
