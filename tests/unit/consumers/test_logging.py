"""Logs: structured, bounded, and without what must not be read (I28)."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from consumers.logging import MAX_TEXT_LENGTH, configure_logging, mask_secrets, masked_text

CARD = "4111111111111111"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logging as a process configures it, and as it was before at the end."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    configure_logging("info", out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_is_one_json_object_with_level_and_time(stream: io.StringIO) -> None:
    structlog.get_logger().info("voucher.posted", voucher_no=7)
    line = json.loads(stream.getvalue())
    assert line["event"] == "voucher.posted"
    assert line["voucher_no"] == 7
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


def test_what_libraries_log_is_masked_too(stream: io.StringIO) -> None:
    logging.getLogger("some.library").warning("cannot connect to %s", "postgresql://poster:hidden@db/ledger")
    line = json.loads(stream.getvalue())
    assert "hidden" not in stream.getvalue()
    assert line["level"] == "warning"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"card {CARD} declined", "card ************1111 declined"),
        ("card 4111-1111-1111-1111 declined", "card ****-****-****-1111 declined"),
        ("card 4111 1111 1111 1111 12/27", "card **** **** **** 1111 12/27"),
        ("postgresql://poster:pw@db:5432/ledger", "postgresql://***@db:5432/ledger"),
        ("host=db password=pw user=x", "host=db password=*** user=x"),
        ("host=db password='p w' user=x", "host=db password=*** user=x"),
        ("connect(sslpassword=pw)", "connect(sslpassword=***"),
        ("PGPASSWORD=pw psql", "PGPASSWORD=*** psql"),
        ("{'password': 'p w', 'user': 'x'}", "{'password': ***, 'user': 'x'}"),
        ('{"token": "abc", "n": 1}', '{"token": ***, "n": 1}'),
        ("signed by whsec_c2VjcmV0", "signed by ***"),
        ("3 tokens: one, two", "3 tokens: one, two"),
        ("offset 1234567890123 of partition 3", "offset 1234567890123 of partition 3"),
        ("to GE29NB0000000101904917, please", "to GE29**************4917, please"),
        ('{"iban": "GE28NB0000000101904917"}', '{"iban": "GE28NB0000000101904917"}'),
        ("order 53cdb2fc8bc7dce0b6741e2150273451", "order 53cdb2fc8bc7dce0b6741e2150273451"),
    ],
)
def test_card_numbers_and_credentials_are_masked_and_other_numbers_are_not(text: str, masked: str) -> None:
    assert masked_text(text) == masked


def test_secrets_are_masked_by_name_and_at_any_depth() -> None:
    event = {
        "event": "process.started",
        "postgres_dsn": "anything",
        "settings": {"kafka_password": "pw", "api_key": "k", "private_key": "k", "list": [f"pan {CARD}", 7]},
        "value": CARD.encode(),
    }
    masked = mask_secrets(None, "info", dict(event))
    assert masked["postgres_dsn"] == "***"
    assert masked["settings"] == {
        "kafka_password": "***",
        "api_key": "***",
        "private_key": "***",
        "list": ["pan ************1111", 7],
    }
    assert masked["value"] == "************1111"


@pytest.mark.parametrize("text", ["x", "x ", "a-", "token ", "password'", "://", "4 ", '"'])
def test_a_long_value_is_cut_and_read_in_one_go_whatever_it_repeats(text: str) -> None:
    masked = mask_secrets(None, "info", {"event": text * 200_000})
    assert len(str(masked["event"])) == MAX_TEXT_LENGTH + 1
