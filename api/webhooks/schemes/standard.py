"""Standard Webhooks (standardwebhooks.com), for one's own services: `webhook-id`, `webhook-timestamp`, and
`webhook-signature: v1,<base64>[ v1,<base64>…]` over `<id>.<timestamp>.<body>`, HMAC-SHA256.
"""

import base64
import binascii
from dataclasses import dataclass

from api.webhooks.schemes.scheme import (
    MAX_ID_LENGTH,
    MAX_TYPE_LENGTH,
    Delivery,
    SignatureError,
    UnreadableError,
    demand_match,
    demand_recent,
    digests,
    header,
    name_in,
    read_document,
)
from ledger_core.operations.webhooks.inbox import Webhook

MAX_SIGNATURES = 10
PREFIX = "whsec_"


@dataclass(frozen=True, slots=True, repr=False)
class StandardScheme:
    """`keys` as `key_of_secret` reads them."""

    keys: tuple[bytes, ...]
    tolerance_s: float

    def open(self, delivery: Delivery) -> list[Webhook]:
        event_id, timestamp = header(delivery, "webhook-id"), header(delivery, "webhook-timestamp")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
            raise SignatureError("webhook-timestamp is no time")
        signed = event_id.encode() + b"." + timestamp.encode() + b"." + delivery.body
        demand_match(digests(self.keys, signed), _signatures(header(delivery, "webhook-signature")))
        demand_recent(int(timestamp), delivery, self.tolerance_s)
        if len(event_id) > MAX_ID_LENGTH or not event_id.isprintable():
            raise UnreadableError("webhook-id is no name")
        document = read_document(delivery.body)
        return [Webhook(event_id, name_in(document, "type", MAX_TYPE_LENGTH), delivery.body)]


def key_of_secret(secret: str) -> bytes:
    """The bytes behind `whsec_<base64>`; any other text stands for its own bytes. Raises ValueError."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("what follows whsec_ is not base64") from None


def _signatures(value: str) -> list[bytes]:
    found = []
    for part in value.split()[:MAX_SIGNATURES]:
        version, _, text = part.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(text, validate=True))
            except (binascii.Error, ValueError):
                raise SignatureError("a signature is not base64") from None
    return found
