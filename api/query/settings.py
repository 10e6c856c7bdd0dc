"""Settings of the query API's process, from the environment: names begin with LEDGER_."""

from ipaddress import ip_address
from pathlib import Path
from typing import Self

from pydantic import Field, SecretBytes, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class QuerySettings(BaseSettings):
    """Read once by the bootstrap, and never changed."""

    model_config = SettingsConfigDict(env_prefix="LEDGER_", frozen=True, extra="ignore", hide_input_in_errors=True)

    postgres_dsn: SecretStr = Field(description="Store, as a user that may act as ledger_reader")
    api_host: str = Field(default="127.0.0.1", description="Address to listen on; loopback only")
    api_port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    api_pool_size: int = Field(default=8, ge=1, le=100, description="Connections to the store at most")
    api_wait_seconds: float = Field(default=2.0, gt=0, le=30, description="How long min_position waits")
    api_statement_timeout_ms: int = Field(default=5_000, ge=1, description="Longest query")
    api_cursor_key: SecretBytes | None = Field(
        default=None, min_length=32, description="Key that signs cursors; the same for all processes behind one address"
    )
    api_cursor_key_file: Path | None = Field(default=None, description="Where a random key is kept when none is set")

    @model_validator(mode="after")
    def _only_loopback(self) -> Self:
        if not is_loopback(self.api_host):
            message = (
                f"LEDGER_API_HOST={self.api_host} is refused: there is no authentication yet, so the API listens on "
                "a loopback address (127.0.0.1, ::1 or localhost) only. Put an authenticating proxy before it."
            )
            raise ValueError(message)
        return self


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address. Other names than localhost are not resolved: they can change."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
