"""The events that adapters make: their ids, order keys and data are put together here and nowhere else.

The order key is the processor's own id of the payment with the processor's name before it, for two processors may
use one id, and the event's id is the fact: its kind, and the id of the very capture, refund or payout.
"""

from consumers.processors.model import Context, Json, PaymentEvent, Reason, Recorded


def payment_key(processor: str, payment_id: str) -> str:
    """What orders the events of a payment, and names it."""
    return f"{processor}:{payment_id}"


def authorized(key: str, fact_id: str, time: str, amount: Json, method: str) -> PaymentEvent:
    data = {**amount, "method": method, "payment_id": key}
    return PaymentEvent("payment.authorized.v1", f"payment-authorized-{fact_id}", key, time, data)


def captured(key: str, fact_id: str, time: str, amount: Json, method: str) -> PaymentEvent:
    data = {**amount, "method": method, "payment_id": key}
    return PaymentEvent("payment.captured.v1", f"payment-captured-{fact_id}", key, time, data)


def voided(key: str, fact_id: str, time: str) -> PaymentEvent:
    return PaymentEvent("payment.voided.v1", f"payment-voided-{fact_id}", key, time, {"payment_id": key})


def authorization_expired(key: str, fact_id: str, time: str) -> PaymentEvent:
    event_id = f"payment-authorization-expired-{fact_id}"
    return PaymentEvent("payment.authorization_expired.v1", event_id, key, time, {"payment_id": key})


def refunded(key: str, refund_id: str, time: str, amount: Json) -> PaymentEvent:
    data = {**amount, "payment_id": key, "refund_id": refund_id}
    return PaymentEvent("payment.refunded.v1", f"payment-refunded-{refund_id}", key, time, data)


def paid_out(
    processor: str, payout_id: str, time: str, amount: Json, *, holder: str, context: Context
) -> tuple[PaymentEvent, ...] | Recorded:
    """A payout of whoever `holder` is to the processor; of nobody in particular: the platform's own."""
    template = context.payout_account
    if not template or ("{account}" in template and not holder):
        return Recorded(Reason.NO_ACCOUNT, "payout")
    key = payment_key(processor, payout_id)
    data = {"account": template.replace("{account}", holder), **amount, "payout_id": key}
    return (PaymentEvent("payout.paid.v1", f"payout-paid-{payout_id}", key, time, data),)


def money(amount_minor: str, currency: str) -> Json:
    """The members that every amount has."""
    return {"amount_minor": amount_minor, "currency": currency}
