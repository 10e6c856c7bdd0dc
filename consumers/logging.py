"""Structured logs: one JSON object a line, without card numbers, passwords or connection strings (I28).

The masking is the last step before a line is rendered, so it sees whatever any caller has bound.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Final, TextIO

import structlog
from structlog.typing import Processor

from schemas.card_data import mask_text
from schemas.iban import is_iban, masked

MASK: Final = "***"
MAX_TEXT_LENGTH: Final = 2_000
"""A longer value is cut: a log line is bounded (I31)."""

SECRET_NAMES: Final = re.compile(
    r"pass(word|wd)?$|secret|token|authorization|mnemonic|cvv|cvc|dsn|conninfo|(api|private|signing)_?key$",
    re.IGNORECASE,
)
# None of them begins with a repetition: a long word would be read once more from each of its letters.
_CREDENTIALS_IN_URL: Final = re.compile(r"(?<=://)[^\s/@]+@")
_SECRET_PAIR: Final = re.compile(
    r"""((?:password|passwd|secret|token|api_?key|private_?key)["']?\s*[=:]\s*)('[^']*'|"[^"]*"|\S+)""",
    re.IGNORECASE,
)
_SECRET_VALUE: Final = re.compile(r"\b(?:whsec|sk_live|sk_test|rk_live|rk_test)_[A-Za-z0-9+/=_-]+")

_ACCOUNT_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}(?![0-9A-Za-z])")


def configure_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """Sends structlog, and what libraries say through the standard module, to `stream` (stderr) as JSON."""
    out = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    last: list[Processor] = [mask_secrets, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*before, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))


def mask_secrets(_logger: object, _method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """A structlog processor: masks what must not be read, at whatever depth, and cuts what is too long."""
    return {name: _masked(name, value) for name, value in event.items()}


def masked_text(text: str) -> str:
    """The text with card and bank account numbers, passwords and the credentials of URLs masked."""
    text = _CREDENTIALS_IN_URL.sub(f"{MASK}@", text)
    text = _SECRET_PAIR.sub(rf"\1{MASK}", text)
    text = _SECRET_VALUE.sub(MASK, text)
    text = _ACCOUNT_NUMBER.sub(_masked_account, text)
    return mask_text(text)


def _masked(name: str, value: object) -> object:
    if SECRET_NAMES.search(name):
        return MASK
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        text = masked_text(value)
        return text if len(text) <= MAX_TEXT_LENGTH else f"{text[:MAX_TEXT_LENGTH]}…"
    if isinstance(value, Mapping):
        return {str(key): _masked(str(key), inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_masked("", inner) for inner in value]
    if isinstance(value, (int, float, type(None))):
        return value
    return masked_text(str(value))


def _masked_account(found: re.Match[str]) -> str:
    """As much of an IBAN as the ledger keeps; what has other check digits is none."""
    return masked(found.group()) if is_iban(found.group()) else found.group()
