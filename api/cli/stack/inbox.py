"""The webhook inbox beside a running stack, when the settings name endpoints."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from pydantic import SecretStr

from api.cli.errors import CliError
from api.query.bootstrap import ApiStartError
from api.webhooks.bootstrap import serving_inbox
from api.webhooks.settings import InboxSettings
from consumers.settings import load_settings
from deploy.local.processes import port_is_free

USUAL_PORT: Final = 8081


def read_inbox_settings() -> InboxSettings:
    """Before any server starts: where the store is is not known yet. Raises ConfigurationError."""
    settings = load_settings(InboxSettings, postgres_dsn=SecretStr(""))
    if "webhook_port" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"webhook_port": USUAL_PORT if port_is_free(USUAL_PORT) else 0})


@contextmanager
def served_inbox(settings: InboxSettings) -> Iterator[str | None]:
    """Its URL while the context lasts; None, and nothing listens, where there is no endpoint."""
    if not settings.webhooks:
        yield None
        return
    quiet = structlog.wrap_logger(
        structlog.PrintLogger(),
        processors=[structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
    )
    try:
        with serving_inbox(settings, log=quiet) as url:
            yield url
    except ApiStartError as error:
        raise CliError("API_NOT_STARTED", str(error), "choose another port with LEDGER_WEBHOOK_PORT") from error
