"""Writes the events of purchases and remembers when each reaches the topic."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from deploy.demo.messages import Message, Producer, rfc3339

Part = tuple[str, int, int]
"""Account, gross amount in minor units, commission in basis points."""


@dataclass(slots=True)
class Purchase:
    """One order in the making. `at_s`: seconds since 1970."""

    key: str
    currency: str
    method: str
    at_s: int
    parts: list[Part]

    @property
    def amount_minor(self) -> int:
        return sum(amount for _, amount, _ in self.parts)


class Sent(NamedTuple):
    """A message and when it reaches the topic; the order of writing breaks ties."""

    at_s: int
    number: int
    message: Message


class Journal:
    """What one producer sends. `sent_s`, where it is given, is when an event reaches the topic, early or late."""

    def __init__(self, producer: Producer) -> None:
        self.sent: list[Sent] = []
        self._producer = producer

    def write(self, at_s: int, message: Message) -> None:
        self.sent.append(Sent(at_s, len(self.sent), message))

    def authorize(self, purchase: Purchase, at_s: int) -> None:
        data = {
            "amount_minor": str(purchase.amount_minor), "currency": purchase.currency,
            "method": purchase.method, "payment_id": purchase.key,
        }  # fmt: skip
        self._send(at_s, "payment.authorized.v1", f"payment-authorization-{purchase.key}", purchase.key, data)

    def capture(
        self,
        purchase: Purchase,
        at_s: int,
        *,
        amount_minor: int | None = None,
        parts: list[Part] | None = None,
        payer: str = "",
        number: int = 1,
    ) -> None:
        data: dict[str, object] = {
            "amount_minor": str(purchase.amount_minor if amount_minor is None else amount_minor),
            "currency": purchase.currency, "method": purchase.method, "payment_id": purchase.key,
        }  # fmt: skip
        beneficiaries = _beneficiaries(purchase.parts if parts is None else parts)
        if beneficiaries:
            data["beneficiaries"] = beneficiaries
        if payer:
            data["payer"] = payer
        self._send(at_s, "payment.captured.v1", f"payment-capture-{purchase.key}-{number}", purchase.key, data)

    def refund(self, purchase: Purchase, at_s: int, parts: list[Part], *, sent_s: int | None = None) -> None:
        data = {
            "amount_minor": str(sum(amount for _, amount, _ in parts)), "beneficiaries": _beneficiaries(parts),
            "currency": purchase.currency, "payment_id": purchase.key, "refund_id": f"{purchase.key}-refund-1",
        }  # fmt: skip
        event_id = f"payment-refund-{purchase.key}-1"
        self._send(at_s, "payment.refunded.v1", event_id, purchase.key, data, sent_s=sent_s)

    def void(self, purchase: Purchase, at_s: int, *, sent_s: int | None = None) -> None:
        data = {"payment_id": purchase.key, "reason": "called off by the buyer"}
        self._send(at_s, "payment.voided.v1", f"payment-void-{purchase.key}", purchase.key, data, sent_s=sent_s)

    def _send(
        self,
        at_s: int,
        event_type: str,
        event_id: str,
        order_key: str,
        data: Mapping[str, object],
        *,
        sent_s: int | None = None,
    ) -> None:
        message = self._producer.event(event_type, event_id, order_key, rfc3339(at_s), data)
        self.write(at_s if sent_s is None else sent_s, message)

    def pay_out(self, purchase: Purchase, at_s: int) -> None:
        """One payout for each seller, of what is left after commission."""
        for number, (account, amount_minor, bps) in enumerate(purchase.parts, 1):
            net_minor = amount_minor - amount_minor * bps // 10_000
            if not net_minor:
                continue
            payout_id = f"{purchase.key}-out-{number}"
            data = {
                "account": account,
                "amount_minor": str(net_minor),
                "currency": purchase.currency,
                "payout_id": payout_id,
            }
            self._send(at_s, "payout.paid.v1", f"payout-{payout_id}", payout_id, data)


def _beneficiaries(parts: list[Part]) -> list[dict[str, object]]:
    return [
        {"account": account, "amount_minor": str(amount_minor), "commission_bps": bps}
        for account, amount_minor, bps in parts
    ]
