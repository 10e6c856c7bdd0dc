"""PayPal: `PAYPAL-TRANSMISSION-SIG`, RSA over `<transmission id>|<time>|<webhook id>|<CRC-32 of the body>`.

The certificates are the operator's, from a file: an address that a stranger's header names is never fetched. A repeat
carries the time of its first transmission, so there is no tolerance: a webhook that came before is dropped by its id.
"""

import base64
import binascii
import zlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificates

from api.webhooks.schemes.scheme import Delivery, SignatureError, header, read_document, webhook_of
from ledger_core.operations.webhooks.inbox import Webhook

ALGORITHM = "SHA256withRSA"


@dataclass(frozen=True, slots=True, repr=False)
class PayPalScheme:
    """`webhook_id` is that of the subscription, from PayPal's dashboard."""

    keys: tuple[RSAPublicKey, ...]
    webhook_id: str

    def open(self, delivery: Delivery) -> list[Webhook]:
        if header(delivery, "paypal-auth-algo").lower() != ALGORITHM.lower():
            raise SignatureError("another algorithm")
        transmission, time = header(delivery, "paypal-transmission-id"), header(delivery, "paypal-transmission-time")
        signed = f"{transmission}|{time}|{self.webhook_id}|{zlib.crc32(delivery.body)}".encode()
        try:
            signature = base64.b64decode(header(delivery, "paypal-transmission-sig"), validate=True)
        except (binascii.Error, ValueError):
            raise SignatureError("the signature is not base64") from None
        if not any([_verifies(key, signature, signed) for key in self.keys]):  # noqa: C419 - each of them is asked
            raise SignatureError("no certificate verifies it")
        document = read_document(delivery.body)
        return [webhook_of(document, delivery.body, id_member="id", type_member="event_type")]


def keys_of_certificates(pem: bytes) -> tuple[RSAPublicKey, ...]:
    """The public keys of all certificates in a PEM file. Raises ValueError when one is no RSA certificate."""
    keys = []
    for certificate in load_pem_x509_certificates(pem):
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise ValueError("a certificate holds no RSA key")
        keys.append(key)
    return tuple(keys)


def _verifies(key: RSAPublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
