"""Errors of the command line: a stable code, what to do next, and nothing that must not be shown."""

import re
from pathlib import Path

import psycopg
import pytest

from api.cli.errors import EXIT_FAILED, EXIT_NOT_READY, MEANINGS, CliError, known_error, unexpected_error
from consumers.settings import ConfigurationError
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.operations.account_lifecycle import AccountRefusedError
from ledger_core.store.books import BookExistsError
from ledger_core.store.errors import BatchTooLargeError, QueueFullError
from projections.queries import errors
from projections.queries.errors import NotFoundError, StoreUnavailableError


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (NotFoundError("book"), "BOOK_UNKNOWN", EXIT_FAILED),
        (NotFoundError("voucher"), "VOUCHER_UNKNOWN", EXIT_FAILED),
        (AccountRefusedError(Refusal(Code.ACCOUNT_MISSING, "no account")), "ACCOUNT_MISSING", EXIT_FAILED),
        (BookExistsError("book shop exists already"), "BOOK_EXISTS", EXIT_FAILED),
        (ConfigurationError({"LEDGER_BROKER": "bad"}), "CONFIGURATION_UNSAFE", EXIT_NOT_READY),
        (QueueFullError("o-1", []), "ORDER_KEY_QUEUE_FULL", EXIT_FAILED),
        (BatchTooLargeError(65_536), "EVENT_TOO_LARGE", EXIT_FAILED),
        (StoreUnavailableError("away"), "STORE_UNAVAILABLE", EXIT_NOT_READY),
        (psycopg.OperationalError("host db, user poster"), "STORE_UNAVAILABLE", EXIT_NOT_READY),
    ],
)
def test_our_own_errors_have_a_code_an_exit_code_and_a_next_step(error: Exception, code: str, exit_code: int) -> None:
    known = known_error(error)
    assert known is not None
    assert (known.code, known.exit_code) == (code, exit_code)
    assert known.next_step
    assert "poster" not in known.message


def can_be_missing() -> set[str]:
    """What a question can find missing: what its errors say outright, and the parts that commands show."""
    folder = Path(errors.__file__).parent
    said = (re.findall(r'NotFoundError\("([a-z ]+)"\)', file.read_text("utf-8")) for file in folder.glob("*.py"))
    return {"refund", "payout", "fee"}.union(*said)


@pytest.mark.parametrize("what", sorted(can_be_missing() - {"entry", "chart"}))
def test_of_whatever_is_not_there_it_is_said_where_to_look(what: str) -> None:
    known = known_error(NotFoundError(what))
    assert known is not None
    assert known.next_step


def test_an_error_that_nobody_foresaw_shows_no_secret() -> None:
    error = RuntimeError("cannot reach postgresql://poster:hidden@db/ledger\nTraceback …")
    assert known_error(error) is None
    shown = unexpected_error(error)
    assert shown.code == "INTERNAL_ERROR"
    assert "hidden" not in shown.message
    assert "Traceback" not in shown.message


def test_every_meaning_says_what_to_do_next() -> None:
    assert all(meaning.next_step and meaning.code == meaning.code.upper() for meaning in MEANINGS)


def test_a_command_s_own_error_stays_what_it_is() -> None:
    error = CliError("FILE_UNREADABLE", "no such file", "give another")
    assert known_error(error) is error
