"""Stripe: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>…]` over `<t>.<body>`, HMAC-SHA256.

While a secret is being rolled, Stripe signs with both and sends a `v1` for each; both are accepted here too.
"""

from dataclasses import dataclass

from api.webhooks.schemes.scheme import (
    Delivery,
    SignatureError,
    demand_match,
    demand_recent,
    digests,
    header,
    read_document,
    webhook_of,
)
from ledger_core.operations.webhooks.inbox import Webhook

MAX_SIGNATURES = 10


@dataclass(frozen=True, slots=True, repr=False)
class StripeScheme:
    """`keys` are the endpoint's signing secrets as they are, `whsec_` and all."""

    keys: tuple[bytes, ...]
    tolerance_s: float

    def open(self, delivery: Delivery) -> list[Webhook]:
        timestamp, signatures = _read(header(delivery, "stripe-signature"))
        demand_match(digests(self.keys, timestamp.encode() + b"." + delivery.body), signatures)
        demand_recent(int(timestamp), delivery, self.tolerance_s)
        document = read_document(delivery.body)
        return [webhook_of(document, delivery.body, id_member="id", type_member="type")]


def _read(value: str) -> tuple[str, list[bytes]]:
    pairs = [part.strip().partition("=") for part in value.split(",")]
    timestamps = [text for name, _, text in pairs if name == "t"]
    signatures = [text for name, _, text in pairs if name == "v1"]
    if len(timestamps) != 1 or not (timestamps[0].isascii() and timestamps[0].isdigit() and len(timestamps[0]) < 12):
        raise SignatureError("the header has no timestamp, or more than one")
    if not 0 < len(signatures) <= MAX_SIGNATURES:
        raise SignatureError("the header has no v1 signature, or too many")
    try:
        return timestamps[0], [bytes.fromhex(text) for text in signatures]
    except ValueError:
        raise SignatureError("a v1 signature is not hexadecimal") from None
