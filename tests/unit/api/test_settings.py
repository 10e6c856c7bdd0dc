"""Unsafe configuration refuses to start, names the key, and shows no secret."""

import pytest
from pydantic import ValidationError

from api.query.settings import QuerySettings, is_loopback

DSN = "postgresql://reader:hunter2@db.example/ledger"


@pytest.fixture(autouse=True)
def no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in QuerySettings.model_fields:
        monkeypatch.delenv(f"LEDGER_{name.upper()}", raising=False)


def settings(**values: str) -> QuerySettings:
    return QuerySettings.model_validate({"postgres_dsn": DSN, **values})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "[::1]"])
def test_a_loopback_address_is_taken(host: str) -> None:
    assert settings(api_host=host).api_host == host


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "192.168.1.1", "ledger.example", "", "localhost.example", "127.0.0.1.nip.io"]
)
def test_any_other_address_is_refused_by_the_name_of_its_setting(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(ValidationError, match="LEDGER_API_HOST") as caught:
        settings(api_host=host)
    assert "no authentication" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_settings_come_from_the_environment_and_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_POSTGRES_DSN", DSN)
    monkeypatch.setenv("LEDGER_API_PORT", "9999")
    read = QuerySettings.model_validate({})
    assert read.api_port == 9999
    assert "hunter2" not in repr(read)
    with pytest.raises(ValidationError):
        read.api_port = 1  # type: ignore[misc]


def test_a_missing_store_is_named() -> None:
    with pytest.raises(ValidationError, match="postgres_dsn"):
        QuerySettings.model_validate({})


@pytest.mark.parametrize(
    ("name", "value"),
    [("api_port", "70000"), ("api_pool_size", "0"), ("api_wait_seconds", "0"), ("api_cursor_key", "short")],
)
def test_a_value_that_cannot_work_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        settings(**{name: value})
