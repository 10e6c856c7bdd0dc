"""The events that adapters make: their ids, order keys and data are put together here and nowhere else.

The order key is the processor's own id of the payment with the processor's name before it, for two processors may
use one id, and the event's id is the fact: its kind, and the id of the very capture, refund, dispute or payout.

A webhook tells all the steps that it implies, in their order: of a refund that was done also that it was asked for, of
a dispute that was lost also that it was opened. Steps that were told before are known again, so that it does not matter
which webhook comes first, or whether one of them never comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from consumers.processors.model import Context, Json, PaymentEvent, Reason, Recorded


def payment_key(processor: str, payment_id: str) -> str:
    """What orders the events of a payment, and names it."""
    return f"{processor}:{payment_id}"


def money(amount_minor: str, currency: str) -> Json:
    """The members that every amount has."""
    return {"amount_minor": amount_minor, "currency": currency}


# Payments -----------------------------------------------------------------------------------------


def intent_created(key: str, fact_id: str, time: str, amount: Json, method: str) -> PaymentEvent:
    data = {**amount, "method": method, "payment_id": key}
    return PaymentEvent("payment.intent_created.v1", f"payment-intent-created-{fact_id}", key, time, data)


def authorized(key: str, fact_id: str, time: str, amount: Json, method: str) -> PaymentEvent:
    data = {**amount, "method": method, "payment_id": key}
    return PaymentEvent("payment.authorized.v1", f"payment-authorized-{fact_id}", key, time, data)


def captured(
    key: str, fact_id: str, time: str, amount: Json, method: str, response: str, beneficiaries: Sequence[Json] = ()
) -> PaymentEvent:
    """`beneficiaries` as `beneficiary` makes them; what they leave is the order's suspense. `response` is the
    processor's word for success, the same in all webhooks that say this."""
    shared = {"beneficiaries": list(beneficiaries)} if beneficiaries else {}
    proof = {"gateway_response": response, "gateway_transaction_id": fact_id}
    data = {**amount, **shared, **proof, "method": method, "payment_id": key}
    return PaymentEvent("payment.captured.v1", captured_id(fact_id), key, time, data)


def captured_id(fact_id: str) -> str:
    return f"payment-captured-{fact_id}"


def beneficiary(account: str, amount_minor: str) -> Json:
    return {"account": account, "amount_minor": amount_minor}


def capture_failed(key: str, fact_id: str, time: str, failure_reason: str) -> PaymentEvent:
    data = {"failure_reason": failure_reason, "payment_id": key}
    return PaymentEvent("payment.capture_failed.v1", f"payment-capture-failed-{fact_id}", key, time, data)


def failed(key: str, fact_id: str, time: str, failure_reason: str) -> PaymentEvent:
    data = {"failure_reason": failure_reason, "payment_id": key}
    return PaymentEvent("payment.failed.v1", f"payment-failed-{fact_id}", key, time, data)


def voided(key: str, fact_id: str, time: str) -> PaymentEvent:
    return PaymentEvent("payment.voided.v1", f"payment-voided-{fact_id}", key, time, {"payment_id": key})


def authorization_expired(key: str, fact_id: str, time: str) -> PaymentEvent:
    event_id = f"payment-authorization-expired-{fact_id}"
    return PaymentEvent("payment.authorization_expired.v1", event_id, key, time, {"payment_id": key})


def taken_back(key: str, event_id: str, time: str, reason: str) -> PaymentEvent:
    """What an earlier event of the same source had posted came to nothing after all: its exact mirror."""
    data = {"reason": reason, "voucher": {"event_id": event_id}}
    return PaymentEvent("voucher.void_requested.v1", f"taken-back-{event_id}", key, time, data)


# Refunds ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund of the payment `key`, and the steps of its life."""

    key: str
    refund_id: str
    amount: Json

    def requested(self, time: str) -> PaymentEvent:
        return self._event("refund.requested.v1", f"refund-requested-{self.refund_id}", time)

    def done(self, time: str) -> tuple[PaymentEvent, ...]:
        return self.requested(time), self._event("payment.refunded.v1", self.done_id, time)

    def failed(self, time: str, failure_reason: str) -> tuple[PaymentEvent, ...]:
        """No money moved."""
        data = {"failure_reason": failure_reason, "payment_id": self.key, "refund_id": self.refund_id}
        event_id = f"refund-failed-{self.refund_id}"
        return self.requested(time), PaymentEvent("refund.failed.v1", event_id, self.key, time, data)

    @property
    def done_id(self) -> str:
        return f"payment-refunded-{self.refund_id}"

    def _event(self, event_type: str, event_id: str, time: str) -> PaymentEvent:
        data = {**self.amount, "payment_id": self.key, "refund_id": self.refund_id}
        return PaymentEvent(event_type, event_id, self.key, time, data)


# Disputes -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute of the payment `key` that money was taken for, and the steps of its life."""

    key: str
    dispute_id: str
    amount: Json

    def opened(self, time: str, fee_minor: str = "") -> PaymentEvent:
        return self._with_amount("opened", time, fee_minor)

    def evidence_submitted(self, time: str) -> PaymentEvent:
        return self._event("evidence_submitted", time, {})

    def won(self, time: str, fee_minor: str = "") -> PaymentEvent:
        """`fee_minor` is what is given back of the fee."""
        return self._with_amount("won", time, fee_minor)

    def lost(self, time: str) -> PaymentEvent:
        return self._with_amount("lost", time, "")

    def _with_amount(self, step: str, time: str, fee_minor: str) -> PaymentEvent:
        return self._event(step, time, {**self.amount, **({"fee_minor": fee_minor} if fee_minor else {})})

    def _event(self, step: str, time: str, said: Json) -> PaymentEvent:
        data = {**said, "chargeback_id": self.dispute_id, "payment_id": self.key}
        event_id = f"chargeback-{step.replace('_', '-')}-{self.dispute_id}"
        return PaymentEvent(f"chargeback.{step}.v1", event_id, self.key, time, data)


# Payouts ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout from `account`, and the steps of its life."""

    key: str
    payout_id: str
    account: str
    amount: Json

    def requested(self, time: str) -> PaymentEvent:
        return self._with_amount("requested", time)

    def paid(self, time: str) -> PaymentEvent:
        return self._with_amount("paid", time)

    def failed(self, time: str, failure_reason: str) -> PaymentEvent:
        return self._event("failed", time, {"failure_reason": failure_reason})

    def returned(self, time: str, failure_reason: str) -> PaymentEvent:
        return self._event("returned", time, {"failure_reason": failure_reason})

    def _with_amount(self, step: str, time: str) -> PaymentEvent:
        return self._event(step, time, {"account": self.account, **self.amount})

    def _event(self, step: str, time: str, said: Json) -> PaymentEvent:
        data = {**said, "payout_id": self.key}
        return PaymentEvent(f"payout.{step}.v1", f"payout-{step}-{self.payout_id}", self.key, time, data)


def payout(processor: str, payout_id: str, amount: Json, *, holder: str, context: Context) -> Payout | Recorded:
    """A payout of whoever `holder` is to the processor; of nobody in particular: the platform's own."""
    account = account_of(context.payout_account, holder)
    if not account:
        return Recorded(Reason.NO_ACCOUNT, "payout")
    return Payout(payment_key(processor, payout_id), payout_id, account, amount)


def account_of(template: str, holder: str) -> str:
    """The account that a template of the settings names for `holder`; none where it needs one and there is none."""
    if "{account}" in template and not holder:
        return ""
    return template.replace("{account}", holder)
