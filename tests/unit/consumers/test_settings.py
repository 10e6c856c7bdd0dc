"""Settings: unsafe ones refuse to start and name their key (I32)."""

import pytest
from pydantic import SecretStr, ValidationError

from consumers.settings import ConfigurationError, PaymentsProcess, ProcessSettings, load_settings

DSN = "postgresql://poster:hidden-word@db.example/ledger"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POSTGRES_DSN", "BROKER", "KAFKA_BOOTSTRAP", "KAFKA_ENABLE_AUTO_COMMIT", "KAFKA_AUTO_OFFSET_RESET"):
        monkeypatch.delenv(f"LEDGER_{name}", raising=False)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_POSTGRES_DSN", DSN)
    monkeypatch.setenv("LEDGER_BATCH_MAX_EVENTS", "500")
    settings = load_settings(PaymentsProcess)
    assert settings.postgres_dsn.get_secret_value() == DSN
    assert settings.batch_max_events == 500
    assert settings.kafka_auto_offset_reset == "none"


@pytest.mark.parametrize(
    ("variables", "key"),
    [
        ({}, "LEDGER_POSTGRES_DSN"),
        ({"LEDGER_POSTGRES_DSN": ""}, "LEDGER_POSTGRES_DSN"),
        ({"LEDGER_POSTGRES_DSN": "hidden-word"}, "LEDGER_POSTGRES_DSN"),
        ({"LEDGER_POSTGRES_DSN": DSN, "LEDGER_BROKER": "kafka"}, "LEDGER_KAFKA_BOOTSTRAP"),
        (
            {"LEDGER_POSTGRES_DSN": DSN, "LEDGER_BROKER": "kafka", "LEDGER_KAFKA_BOOTSTRAP": "  "},
            "LEDGER_KAFKA_BOOTSTRAP",
        ),
        ({"LEDGER_POSTGRES_DSN": DSN, "LEDGER_KAFKA_ENABLE_AUTO_COMMIT": "true"}, "LEDGER_KAFKA_ENABLE_AUTO_COMMIT"),
        ({"LEDGER_POSTGRES_DSN": DSN, "LEDGER_KAFKA_AUTO_OFFSET_RESET": "earliest"}, "LEDGER_KAFKA_AUTO_OFFSET_RESET"),
        ({"LEDGER_POSTGRES_DSN": DSN, "LEDGER_BATCH_MAX_EVENTS": "0"}, "LEDGER_BATCH_MAX_EVENTS"),
        ({"LEDGER_POSTGRES_DSN": DSN, "LEDGER_BROKER": "rabbit"}, "LEDGER_BROKER"),
        ({"LEDGER_POSTGRES_DSN": DSN, "LEDGER_REPLAY_CURSOR": "#live"}, "LEDGER_REPLAY_CURSOR"),
    ],
)
def test_unsafe_settings_refuse_to_start_and_name_their_key(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], key: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        load_settings(PaymentsProcess)
    assert refused.value.keys == [key]
    assert "hidden-word" not in str(refused.value)


def test_settings_never_change_and_never_show_their_secrets() -> None:
    settings = ProcessSettings(postgres_dsn=SecretStr(DSN))
    assert "hidden-word" not in repr(settings)
    with pytest.raises(ValidationError):
        settings.broker = "kafka"  # type: ignore[misc]
