"""Settings of the webhook inbox, from the environment: names begin with LEDGER_.

`LEDGER_WEBHOOKS__STRIPE__BOOK=shop` sets one thing of one endpoint; `LEDGER_WEBHOOKS` holds all of them as JSON.
"""

import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.query.settings import is_loopback
from api.webhooks.schemes.adyen import AdyenScheme
from api.webhooks.schemes.paypal import PayPalScheme, keys_of_certificates
from api.webhooks.schemes.scheme import Scheme
from api.webhooks.schemes.standard import StandardScheme, key_of_secret
from api.webhooks.schemes.stripe import StripeScheme

Processor = Literal["stripe", "adyen", "paypal", "cloudevents"]
EndpointName = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]{0,62}$")]
LEAST_SECRET_BYTES: Final = 16
_BOOK: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class EndpointSettings(BaseModel):
    """One endpoint. Secrets are one a line in a file, or separated by commas; the newest first, all are accepted."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    processor: Processor
    book: str
    secrets: SecretStr | None = None
    secrets_file: Path | None = None
    webhook_id: str = ""
    """PayPal: the id of the subscription."""
    tolerance_seconds: float = Field(default=300, gt=0, le=86_400)
    """How far the time of a signature may be from ours."""

    @field_validator("book")
    @classmethod
    def _demand_book(cls, value: str) -> str:
        if _BOOK.fullmatch(value) is None or value == "system":
            raise ValueError("is not the code of a book")
        return value

    def scheme(self) -> Scheme:
        """Reads the secrets. Raises ValueError, without any of them."""
        pem = self._text().encode()
        if self.processor == "paypal":
            if not self.webhook_id:
                raise ValueError("webhook_id is missing: the id of the subscription, from PayPal's dashboard")
            return PayPalScheme(keys_of_certificates(pem), self.webhook_id)
        secrets = [secret.strip() for secret in re.split(r"[,\n]", self._text()) if secret.strip()]
        if self.processor == "adyen":
            return AdyenScheme(_strong([_key_of_hex(secret) for secret in secrets]))
        if self.processor == "stripe":
            return StripeScheme(_strong([secret.encode() for secret in secrets]), self.tolerance_seconds)
        return StandardScheme(_strong([key_of_secret(secret) for secret in secrets]), self.tolerance_seconds)

    def _text(self) -> str:
        if (self.secrets is None) == (self.secrets_file is None):
            raise ValueError("give either secrets or secrets_file")
        if self.secrets is not None:
            return self.secrets.get_secret_value()
        assert self.secrets_file is not None
        try:
            return self.secrets_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise ValueError("secrets_file cannot be read") from None


class InboxSettings(BaseSettings):
    """Read once by the bootstrap, and never changed."""

    model_config = SettingsConfigDict(
        env_prefix="LEDGER_", env_nested_delimiter="__", env_ignore_empty=True, frozen=True, extra="ignore",
        hide_input_in_errors=True,
    )  # fmt: skip

    postgres_dsn: SecretStr = Field(description="Store, as a user that may act as ledger_inbox")
    allow_owner_login: bool = Field(default=False, description="Lets a superuser or the owner log in")
    webhook_host: str = Field(default="127.0.0.1", description="Address to listen on; loopback only")
    webhook_port: int = Field(default=8081, ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    webhook_pool_size: int = Field(default=4, ge=1, le=100, description="Connections to the store at most")
    webhook_max_bytes: int = Field(default=262_144, ge=1, le=900_000, description="Largest body")
    webhook_timeout_ms: int = Field(default=5_000, ge=1, description="Longest wait for a body, a lock or the store")
    webhooks: dict[EndpointName, EndpointSettings] = Field(default={}, description="Endpoints by name")

    @model_validator(mode="after")
    def _only_loopback(self) -> Self:
        if not is_loopback(self.webhook_host):
            message = (
                f"webhook_host: {self.webhook_host} is refused: the inbox listens on a loopback address only "
                "(127.0.0.1, ::1 or localhost). Put a proxy with TLS before it."
            )
            raise ValueError(message)
        for name, endpoint in self.webhooks.items():
            try:
                endpoint.scheme()
            except ValueError as error:
                raise ValueError(f"webhooks__{name}: {error}") from None
        return self


def _key_of_hex(secret: str) -> bytes:
    try:
        return bytes.fromhex(secret)
    except ValueError:
        raise ValueError("a key is not hexadecimal") from None


def _strong(keys: list[bytes]) -> tuple[bytes, ...]:
    if not keys:
        raise ValueError("there is no secret")
    if min(map(len, keys)) < LEAST_SECRET_BYTES:
        raise ValueError(f"a secret is shorter than {LEAST_SECRET_BYTES} bytes")
    return tuple(keys)
