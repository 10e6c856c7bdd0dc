"""Settings of the inbox: endpoints by name, secrets from the environment or a file, and none of them ever shown."""

from pathlib import Path

import pytest

from api.webhooks.schemes.stripe import StripeScheme
from api.webhooks.settings import InboxSettings
from consumers.settings import ConfigurationError, load_settings
from tests.support.webhook_signing import ADYEN_KEY, STRIPE_SECRET, paypal_sender

DSN = "postgresql://nobody@localhost/nothing"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_POSTGRES_DSN", DSN)


def test_an_endpoint_is_set_member_by_member(monkeypatch: pytest.MonkeyPatch) -> None:
    for member, value in {
        "PROCESSOR": "stripe",
        "BOOK": "shop",
        "SECRETS": f"{STRIPE_SECRET},whsec_an-older-one-of-us",
    }.items():
        monkeypatch.setenv(f"LEDGER_WEBHOOKS__STRIPE__{member}", value)
    endpoint = load_settings(InboxSettings).webhooks["stripe"]
    scheme = endpoint.scheme()
    assert isinstance(scheme, StripeScheme)
    assert scheme.keys == (STRIPE_SECRET.encode(), b"whsec_an-older-one-of-us")


def test_secrets_may_stand_in_a_file_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text(f"{STRIPE_SECRET}\nwhsec_an-older-one-of-us\n")
    endpoint = {"processor": "stripe", "book": "shop", "secrets_file": tmp_path / "secrets"}
    scheme = load_settings(InboxSettings, webhooks={"stripe": endpoint}).webhooks["stripe"].scheme()
    assert isinstance(scheme, StripeScheme)
    assert len(scheme.keys) == 2


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        ({"processor": "stripe", "book": "shop"}, "either secrets or secrets_file"),
        ({"processor": "stripe", "book": "shop", "secrets": "short"}, "shorter than 16 bytes"),
        ({"processor": "stripe", "book": "shop", "secrets": ","}, "there is no secret"),
        ({"processor": "stripe", "book": "system", "secrets": STRIPE_SECRET}, "is not the code of a book"),
        ({"processor": "stripe", "book": "shop", "secrets_file": "/nowhere/at-all"}, "cannot be read"),
        ({"processor": "adyen", "book": "shop", "secrets": "not hexadecimal at all"}, "not hexadecimal"),
        ({"processor": "paypal", "book": "shop", "secrets": paypal_sender().pem}, "webhook_id is missing"),
        ({"processor": "paypal", "book": "shop", "secrets": "no pem", "webhook_id": "W"}, "PEM"),
        ({"processor": "cash", "book": "shop", "secrets": STRIPE_SECRET}, "PROCESSOR"),
    ],
)
def test_what_cannot_verify_anything_refuses_to_start(endpoint: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as refused:
        load_settings(InboxSettings, webhooks={"one": endpoint})
    assert STRIPE_SECRET not in str(refused.value)
    assert "short" not in str(refused.value).replace("shorter", "")


def test_names_of_endpoints_are_parts_of_addresses() -> None:
    endpoint = {"processor": "adyen", "book": "shop", "secrets": ADYEN_KEY}
    load_settings(InboxSettings, webhooks={"adyen-eu_2": endpoint})
    for name in ("", "a/b", "A", "a b", "../x"):
        with pytest.raises(ConfigurationError):
            load_settings(InboxSettings, webhooks={name: endpoint})


def test_the_inbox_listens_on_loopback_only() -> None:
    with pytest.raises(ConfigurationError, match="loopback"):
        load_settings(InboxSettings, webhook_host="0.0.0.0")
