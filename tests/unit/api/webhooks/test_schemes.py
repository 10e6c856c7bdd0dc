"""Signatures: what verifies, what does not, whichever byte of it is changed."""

import json
from collections.abc import Callable

import pytest

from api.webhooks.schemes.adyen import AdyenScheme, signed_text
from api.webhooks.schemes.paypal import PayPalScheme, keys_of_certificates
from api.webhooks.schemes.scheme import Delivery, Scheme, SignatureError, UnreadableError
from api.webhooks.schemes.standard import StandardScheme, key_of_secret
from api.webhooks.schemes.stripe import StripeScheme
from tests.support.processor_webhooks import adyen, adyen_item, charge, stripe
from tests.support.webhook_signing import (
    ADYEN_KEY,
    JSON,
    NOW_S,
    STANDARD_SECRET,
    STRIPE_SECRET,
    adyen_signature,
    paypal_sender,
    signed_item,
    standard_headers,
    stripe_headers,
)

OLD_SECRET = "whsec_the-secret-before-this-one"
STRIPE = StripeScheme((STRIPE_SECRET.encode(), OLD_SECRET.encode()), 300)
ADYEN = AdyenScheme((bytes.fromhex(ADYEN_KEY),))
STANDARD = StandardScheme((key_of_secret(STANDARD_SECRET),), 300)
SENDER = paypal_sender()
PAYPAL = PayPalScheme(keys_of_certificates((SENDER.pem + paypal_sender().pem).encode()), "WEBHOOK1")

BODY = json.dumps(stripe("charge.captured", charge())).encode()
ADYEN_BODY = json.dumps(adyen(signed_item(adyen_item("CAPTURE")))).encode()
PAYPAL_BODY = b'{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED"}'


def delivery(body: bytes, headers: dict[str, str], now_s: float = NOW_S) -> Delivery:
    return Delivery(headers, body, now_s)


SIGNED: list[tuple[Scheme, bytes, dict[str, str], tuple[str, str]]] = [
    (STRIPE, BODY, stripe_headers(BODY), ("evt_1", "charge.captured")),
    (ADYEN, ADYEN_BODY, JSON, ("CAPTURE:CAPTURE1:true", "CAPTURE")),
    (PAYPAL, PAYPAL_BODY, SENDER.headers(PAYPAL_BODY, "WEBHOOK1"), ("WH-1", "PAYMENT.CAPTURE.COMPLETED")),
    (STANDARD, BODY, standard_headers(BODY, "msg_1"), ("msg_1", "charge.captured")),
]
NAMES = ["stripe", "adyen", "paypal", "standard"]


@pytest.mark.parametrize(("scheme", "body", "headers", "named"), SIGNED, ids=NAMES)
def test_what_is_signed_rightly_is_a_webhook(
    scheme: Scheme, body: bytes, headers: dict[str, str], named: tuple[str, str]
) -> None:
    (webhook,) = scheme.open(delivery(body, headers))
    assert (webhook.event_id, webhook.event_type, webhook.document) == (*named, body)


@pytest.mark.parametrize(("scheme", "body", "headers", "named"), SIGNED, ids=NAMES)
def test_a_changed_byte_of_what_is_signed_is_refused(
    scheme: Scheme, body: bytes, headers: dict[str, str], named: tuple[str, str]
) -> None:
    for changed in (body.replace(b"10000", b"10001"), body.replace(b"CAPTURE", b"CAPTURF"), body + b" "):
        if changed == body or (scheme is ADYEN and changed == body + b" "):  # Adyen signs members, not bytes
            continue
        with pytest.raises(SignatureError):
            scheme.open(delivery(changed, headers))


@pytest.mark.parametrize(("scheme", "body", "headers", "named"), SIGNED, ids=NAMES)
def test_a_signature_under_another_secret_is_refused(
    scheme: Scheme, body: bytes, headers: dict[str, str], named: tuple[str, str]
) -> None:
    strangers: dict[str, Scheme] = {
        "StripeScheme": StripeScheme((b"whsec_a-secret-of-somebody-else",), 300),
        "AdyenScheme": AdyenScheme((bytes(32),)),
        "PayPalScheme": PayPalScheme(keys_of_certificates(paypal_sender().pem.encode()), "WEBHOOK1"),
        "StandardScheme": StandardScheme((bytes(32),), 300),
    }
    with pytest.raises(SignatureError):
        strangers[type(scheme).__name__].open(delivery(body, headers))


@pytest.mark.parametrize(("scheme", "body", "headers", "named"), SIGNED, ids=NAMES)
def test_no_scheme_shows_its_secrets(
    scheme: Scheme, body: bytes, headers: dict[str, str], named: tuple[str, str]
) -> None:
    shown = repr(scheme)
    assert STRIPE_SECRET not in shown
    assert "keys" not in shown


def test_the_vector_that_adyen_publishes_verifies() -> None:
    item: dict[str, object] = {
        "pspReference": "7914073381342284", "merchantAccountCode": "TestMerchant",
        "merchantReference": "TestPayment-1407325143704", "amount": {"value": 1130, "currency": "EUR"},
        "eventCode": "AUTHORISATION", "success": "true",
    }  # fmt: skip
    assert signed_text(item) == "7914073381342284::TestMerchant:TestPayment-1407325143704:1130:EUR:AUTHORISATION:true"
    assert adyen_signature(signed_text(item)) == "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="


def test_the_vector_of_standard_webhooks_verifies() -> None:
    scheme = StandardScheme((key_of_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),), 300)
    body = b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }  # fmt: skip
    with pytest.raises(UnreadableError, match="type"):  # it verifies, and then has no type
        scheme.open(delivery(body, headers, 1_614_265_330))


@pytest.mark.parametrize("seconds", [-301, 301, 10**6])
@pytest.mark.parametrize("made", [
    (STRIPE, lambda at: stripe_headers(BODY, at=at)), (STANDARD, lambda at: standard_headers(BODY, "msg_1", at=at)),
], ids=["stripe", "standard"])  # fmt: skip
def test_what_was_signed_too_long_ago_or_in_the_future_is_refused(
    made: tuple[Scheme, Callable[[int], dict[str, str]]], seconds: int
) -> None:
    scheme, headers = made
    with pytest.raises(SignatureError, match="tolerance"):
        scheme.open(delivery(BODY, headers(NOW_S + seconds)))
    scheme.open(delivery(BODY, headers(NOW_S + (299 if seconds > 0 else -299))))


def test_while_secrets_are_rolled_either_of_them_is_enough() -> None:
    for secrets in ([STRIPE_SECRET], [OLD_SECRET], ["whsec_neither", OLD_SECRET], [OLD_SECRET, STRIPE_SECRET]):
        assert STRIPE.open(delivery(BODY, stripe_headers(BODY, *secrets)))


@pytest.mark.parametrize(
    "value",
    [
        "", "t=", "v1=00", f"t={NOW_S}", f"t={NOW_S},v0=00", f"t={NOW_S},v1=zz", f"t={NOW_S},t={NOW_S},v1=00",
        f"t=-{NOW_S},v1=00", f"t={NOW_S}.0,v1=00", "t=١٢,v1=00", "t=999999999999999,v1=00", "nonsense",
        f"t={NOW_S}" + ",v1=00" * 11,
    ],
)  # fmt: skip
def test_a_header_that_makes_no_sense_is_a_wrong_signature(value: str) -> None:
    with pytest.raises(SignatureError):
        STRIPE.open(delivery(BODY, {"stripe-signature": value}))


@pytest.mark.parametrize("scheme", [STRIPE, PAYPAL, STANDARD], ids=["stripe", "paypal", "standard"])
def test_a_missing_header_is_a_wrong_signature(scheme: Scheme) -> None:
    with pytest.raises(SignatureError):
        scheme.open(delivery(BODY, JSON))


def test_each_item_of_adyen_must_be_signed_and_becomes_a_webhook_of_its_own() -> None:
    items = [signed_item(adyen_item("CAPTURE")), signed_item(adyen_item("REFUND"))]
    found = ADYEN.open(delivery(json.dumps(adyen(*items)).encode(), JSON))
    assert [webhook.event_id for webhook in found] == ["CAPTURE:CAPTURE1:true", "REFUND:REFUND1:true"]
    assert [json.loads(webhook.document) for webhook in found] == [adyen(item) for item in items]
    unsigned = [signed_item(adyen_item("CAPTURE")), adyen_item("REFUND")]
    with pytest.raises(SignatureError):
        ADYEN.open(delivery(json.dumps(adyen(*unsigned)).encode(), JSON))


def test_adyens_other_webhooks_are_signed_whole() -> None:
    body = b'{"type":"balancePlatform.transfer.updated","data":{"id":"1"}}'
    headers = {**JSON, "hmacsignature": adyen_signature(body.decode())}
    (webhook,) = ADYEN.open(delivery(body, headers))
    assert webhook.event_type == "balancePlatform.transfer.updated"
    with pytest.raises(SignatureError):
        ADYEN.open(delivery(body + b" ", headers))
    with pytest.raises(SignatureError):
        ADYEN.open(delivery(body, JSON))


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"not json", b'{"id":1,"type":"x"}', b'{"id":"","type":"x"}', b'{"id":"a"}', b'{"id":"a","id":"b"}',
     b'{"id":"a\\n","type":"x"}', b'{"id":"a","type":"' + b"x" * 201 + b'"}', b'{"id":"a","type":NaN}'],
)  # fmt: skip
def test_what_is_signed_and_no_webhook_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        STRIPE.open(delivery(body, stripe_headers(body)))


@pytest.mark.parametrize("body", [b"[]", b'{"notificationItems":[]}', b'{"notificationItems":[{}]}', b"{"])
def test_what_is_no_notification_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        ADYEN.open(delivery(body, JSON))


def test_another_algorithm_or_subscription_of_paypal_is_refused() -> None:
    for headers in (
        {**SENDER.headers(PAYPAL_BODY, "WEBHOOK1"), "paypal-auth-algo": "none"},
        {**SENDER.headers(PAYPAL_BODY, "WEBHOOK1"), "paypal-transmission-sig": "!"},
        SENDER.headers(PAYPAL_BODY, "WEBHOOK2"),
    ):
        with pytest.raises(SignatureError):
            PAYPAL.open(delivery(PAYPAL_BODY, headers))
