"""Signs webhooks as processors do; written against their documentation, not against our code."""

import base64
import datetime as dt
import hashlib
import hmac
import zlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

NOW_S = 1_763_714_813
STRIPE_SECRET = "whsec_a-signing-secret-of-tests"
ADYEN_KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
STANDARD_SECRET = "whsec_" + base64.b64encode(b"a standard secret of tests").decode()
JSON = {"content-type": "application/json"}


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def stripe_headers(body: bytes, *secrets: str, at: int = NOW_S) -> dict[str, str]:
    signatures = [_hmac(secret.encode(), f"{at}.".encode() + body).hex() for secret in secrets or (STRIPE_SECRET,)]
    return {**JSON, "stripe-signature": ",".join([f"t={at}", *(f"v1={each}" for each in signatures), "v0=00ff"])}


def adyen_signature(text: str, key: str = ADYEN_KEY) -> str:
    return base64.b64encode(_hmac(bytes.fromhex(key), text.encode())).decode()


def signed_item(item: dict[str, object], key: str = ADYEN_KEY) -> dict[str, object]:
    """The item with its signature among the additional data."""
    amount = item["amount"]
    assert isinstance(amount, dict)
    fields = [
        item["pspReference"], item.get("originalReference", ""), item["merchantAccountCode"], item["merchantReference"],
        amount["value"], amount["currency"], item["eventCode"], item["success"],
    ]  # fmt: skip
    signature = adyen_signature(":".join(str(field) for field in fields), key)
    known = item.get("additionalData", {})
    assert isinstance(known, dict)
    return {**item, "additionalData": {**known, "hmacSignature": signature}}


def standard_headers(body: bytes, event_id: str, *, at: int = NOW_S, secret: str = STANDARD_SECRET) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(_hmac(key, f"{event_id}.{at}.".encode() + body)).decode()
    return {**JSON, "webhook-id": event_id, "webhook-timestamp": str(at), "webhook-signature": f"v1,{signature}"}


@dataclass(frozen=True)
class PayPalSender:
    """Somebody with a key pair and a certificate over it."""

    key: rsa.RSAPrivateKey
    pem: str

    def headers(self, body: bytes, webhook_id: str) -> dict[str, str]:
        signed = f"T-1|2025-11-21T08:46:53Z|{webhook_id}|{zlib.crc32(body)}".encode()
        signature = self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return {
            **JSON, "paypal-transmission-id": "T-1", "paypal-transmission-time": "2025-11-21T08:46:53Z",
            "paypal-auth-algo": "SHA256withRSA", "paypal-transmission-sig": base64.b64encode(signature).decode(),
        }  # fmt: skip


def paypal_sender() -> PayPalSender:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "messages.example")])
    day = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(day).not_valid_after(day + dt.timedelta(days=3_650))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return PayPalSender(key, certificate.public_bytes(serialization.Encoding.PEM).decode())
