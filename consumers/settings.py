"""What a process is told from outside: one frozen model per process, from LEDGER_… variables.

Settings are read once, by a bootstrap. What is not safe refuses to start and names its key (invariant I32).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.charts import MARKETPLACE

PREFIX = "LEDGER_"
PAYMENTS_TOPIC = "payments.events.v1"
LEDGER_TOPIC = "ledger.events.v1"
WEBHOOKS_TOPIC = "webhooks.events.v1"

Broker = Literal["embedded", "kafka"]
LogLevel = Literal["debug", "info", "warning", "error"]
Positive = Annotated[int, Field(gt=0)]


class ConfigurationError(Exception):
    """A setting is missing, impossible or unsafe: the process does not start. `keys` names the variables."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {problem}" for key, problem in sorted(problems.items())))
        self.keys = sorted(problems)


class ProcessSettings(BaseSettings):
    """What every process of `consumers` needs. Nothing here is printed: DSN and passwords are secrets."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    postgres_dsn: SecretStr
    allow_owner_login: bool = False
    """Lets a superuser or the owner log in. Every process acts as its own narrow role even then."""
    broker: Broker = "embedded"
    kafka_bootstrap: str = ""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: str = "SCRAM-SHA-512"
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_ca_file: Path | None = None
    kafka_enable_auto_commit: bool = False
    kafka_auto_offset_reset: str = "none"
    payments_topic: str = PAYMENTS_TOPIC
    ledger_topic: str = LEDGER_TOPIC
    log_level: LogLevel = "info"
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    """Loopback port of the metrics endpoint; 0 picks a free one, none serves no metrics."""
    stop_with_parent: bool = False
    """Stops in good order when standard input ends, as it does when the process that started this one dies."""
    fault_kill_at: str = ""
    """Fault tests: the process kills itself when it reaches this labelled point."""

    @field_validator("postgres_dsn")
    @classmethod
    def _demand_conninfo(cls, value: SecretStr) -> SecretStr:
        try:
            conninfo_to_dict(value.get_secret_value())
        except ProgrammingError:
            raise ValueError("is no connection string of PostgreSQL") from None
        return value

    @field_validator("kafka_enable_auto_commit")
    @classmethod
    def _refuse_auto_commit(cls, value: bool) -> bool:
        if value:
            raise ValueError("the source position moves with the posting; committing by a timer loses events")
        return value

    @field_validator("kafka_auto_offset_reset")
    @classmethod
    def _refuse_offset_reset(cls, value: str) -> str:
        if value != "none":
            raise ValueError("must be 'none': a reset skips or repeats history without asking")
        return value

    @model_validator(mode="after")
    def _demand_brokers(self) -> Self:
        if self.broker == "kafka" and not self.kafka_bootstrap.strip():
            raise ValueError("kafka_bootstrap: no brokers given, although LEDGER_BROKER is kafka")
        return self


class ReplayableProcess(ProcessSettings):
    """A consumer of a topic that others write."""

    replay_cursor: Annotated[str, Field(pattern="^([a-z0-9][a-z0-9-]{0,62})?$")] = ""
    """Consumes the topic again, from its beginning, under this name; the live source rows are not involved."""


class PaymentsProcess(ReplayableProcess):
    """The payments consumer."""

    payments_group: str = "ledger-payments"
    batch_max_events: Annotated[int, Field(gt=0, le=20_000)] = 8_000
    batch_max_ms: Positive = 50
    reject_flood: Positive = 5_000


class RelayProcess(ProcessSettings):
    """The relay."""


class ProjectorProcess(ProcessSettings):
    """The projector."""

    projector_group: str = "ledger-projector"


class ReconcilerProcess(ProcessSettings):
    """The reconciler."""

    reconciliation_interval_seconds: Annotated[float, Field(ge=0.1, le=86_400)] = 3.0
    """Shortest pause between two rounds; after a long one it is longer."""


class ExpiryProcess(ProcessSettings):
    """The scheduler of expiries."""


class SignerProcess(ProcessSettings):
    """The signer of checkpoints."""

    signing_key_file: Path | None = None
    """The private key; others than its owner must not be able to read it."""
    signing_interval_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60.0


class MerchantsProcess(ReplayableProcess):
    """The consumer of merchants' changes. Without a topic there is none."""

    merchants_topic: str = ""
    merchants_group: str = "ledger-merchants"
    merchants_id_column: str = "id"
    merchants_status_column: str = "status"
    merchants_currencies_column: str = "currencies"
    merchants_book_prefix: Annotated[str, Field(pattern="^([a-z0-9][a-z0-9._-]{0,30})?$")] = "merchant-"
    merchants_chart: str = MARKETPLACE
    """Chart of accounts of the books that are opened: the name of one that comes along, or a file."""


class MappingSettings(BaseModel):
    """What the publisher must know of an endpoint; the rest of its settings are the inbox's."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    payout_account: Annotated[str, Field(pattern="^([A-Za-z0-9][A-Za-z0-9:._{}-]{0,150})?$")] = ""
    """Account that payouts are taken from; `{account}` in it is the processor's id of whose payout it is."""
    captures_at_once: bool = False
    """Adyen: payments are captured with their authorisation."""
    beneficiary_account: Annotated[str, Field(pattern="^([A-Za-z0-9][A-Za-z0-9:._{}-]{0,150})?$")] = ""
    """Account of whoever a payment is shared with (Stripe's connected account, Adyen's split), `{account}` as above."""
    test_mode: bool = False
    """The book is one for tests: what the processor itself calls a test is posted, too."""
    retention_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """How long the bodies of published webhooks are kept, for `ledgerctl webhook forget`; 0 says nothing."""


class WebhookMappings(BaseSettings):
    """What the settings say of the endpoints' events."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True, frozen=True, extra="ignore",
        hide_input_in_errors=True,
    )  # fmt: skip

    webhooks: dict[str, MappingSettings] = {}


class WebhooksProcess(ProcessSettings, WebhookMappings):
    """The publisher of webhooks."""

    webhooks_topic: str = WEBHOOKS_TOPIC
    """Where it tells what happens to them."""


class AllInOneProcess(
    PaymentsProcess,
    RelayProcess,
    ProjectorProcess,
    ReconcilerProcess,
    ExpiryProcess,
    SignerProcess,
    MerchantsProcess,
    WebhooksProcess,
):
    """All of them in one process, for one machine; checkpoints are signed when a key is set, and merchants' changes
    are consumed when their topic is."""


Settings = TypeVar("Settings", bound=BaseSettings)


def load_settings(model: type[Settings], **given: object) -> Settings:
    """Settings from the environment; what is `given` wins. Raises `ConfigurationError`, without any value."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise ConfigurationError(_problems(error)) from None


def _problems(error: ValidationError) -> dict[str, str]:
    problems: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        message = detail["msg"].removeprefix("Value error, ")
        field = ".".join(str(part) for part in detail["loc"])
        if not field:  # said by a validator of the whole model, which names the field itself
            field, _, message = message.partition(": ")
        problems[f"{PREFIX}{field.upper()}"] = message
    return problems
