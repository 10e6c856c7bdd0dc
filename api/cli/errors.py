"""What a command says when it can't do what was asked: a stable code, what happened, what to do next.

exit 0 done
exit 1 refused or failed          CliError
exit 2 not understood             the parser's own
exit 3 checked and found problems (a result, not an error)
exit 5 not ready                  NotReady
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import psycopg

from consumers.logging import masked_text
from consumers.settings import ConfigurationError
from consumers.transport.ports import TransportError, TransportUnavailable
from deploy.local.errors import LocalServiceError
from ledger_core.domain.outcomes import Code
from ledger_core.domain.periods import PeriodCode
from ledger_core.operations.account_lifecycle import AccountRefusedError
from ledger_core.operations.assets import AssetCommandError
from ledger_core.operations.charts import ChartCommandError
from ledger_core.operations.period_lifecycle import PeriodRefusedError
from ledger_core.store.books import BookExistsError
from ledger_core.store.errors import BatchTooLargeError, PostingHaltedError, QueueFullError
from projections.queries.errors import NotFoundError, PositionAheadError, QueryError, SeveralFoundError
from projections.rebuild import RebuildSuperseded
from projections.reconciliation.scan import ScanConflictError
from schemas.sql.runner import MigrationError

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_FOUND_PROBLEMS: Final = 3
EXIT_NOT_READY: Final = 5


class CliError(Exception):
    """A command that can't be done. `code` is stable, `next_step` says what the person does now."""

    exit_code = EXIT_FAILED

    def __init__(self, code: str, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step


class NotReady(CliError):
    """Something that the command needs isn't there yet."""

    exit_code = EXIT_NOT_READY


NEXT_STEPS: Final[Mapping[str, str]] = {
    "BOOK_UNKNOWN": "list the books with: ledgerctl book list",
    "ACCOUNT_MISSING": "look the code up with: ledgerctl account list --book BOOK",
    "CURRENCY_UNKNOWN": "list what there is with: ledgerctl asset list; add one with: ledgerctl asset add",
    "CURRENCY_EXISTS": "choose another code, or use it as it is: ledgerctl asset list",
    "ASSET_INVALID": "see docs/how-to/assets.md",
    "ACCOUNT_EXISTS_DIFFERENTLY": "look at it with: ledgerctl account show",
    "ACCOUNT_HELD": "see what is held with: ledgerctl hold list --book BOOK",
    "ACCOUNT_KEYS_NOT_ZERO": "bring each order key to zero first; the findings name them: ledgerctl findings BOOK",
    "CHART_VERSION_UNKNOWN": "leave --version out to see the one in force",
    "CHART_MOVED": "compare again with: ledgerctl chart diff BOOK CHART",
    "CHART_ACCOUNT_DROPPED": "close the account first, or keep it in the chart",
    "BOOK_EXISTS": "choose another code, or go on with this book",
    "PERIOD_UNKNOWN": "list those that were ever closed with: ledgerctl period list BOOK",
    "PERIOD_CLOSING": "finish it with: ledgerctl period close BOOK --through THAT DAY --apply",
    "PERIOD_NOT_LAST": "reopen the later one first, or correct with a voucher in the open period",
    "PERIOD_NOT_OVER": "close through a day that is over; days are UTC",
    "SAME_PERSON": "let somebody else approve it, with --approved-by",
    "EVENT_NOT_FOUND": "check source and id: they are those of the event itself, not of the topic",
    "PAYMENT_NOT_FOUND": "list payments with: ledgerctl payment list --book BOOK",
    "TIMELINE_NOT_FOUND": "see whether the projector has come so far: ledgerctl lag",
    "REFUND_NOT_FOUND": "list refunds with: ledgerctl refund list --book BOOK",
    "PAYOUT_NOT_FOUND": "list payouts with: ledgerctl payout list --book BOOK",
    "FEE_NOT_FOUND": "list fees with: ledgerctl fee list --book BOOK",
    "TRANSFER_NOT_FOUND": "list transfers with: ledgerctl transfer list --book BOOK",
    "SETTLEMENT_PROFILE_NOT_FOUND": "list them with: ledgerctl profile list --book BOOK",
    "BENEFICIARY_NOT_FOUND": "list them with: ledgerctl beneficiary list --book BOOK",
    "HOLD_UNKNOWN": "list the holds with: ledgerctl hold list --book BOOK",
    "WEBHOOK_NOT_FOUND": "list them with: ledgerctl webhook list --book BOOK",
    "VOUCHER_UNKNOWN": "numbers are gapless from 1; the last one is shown by: ledgerctl book list",
}


MISSING: Final[Mapping[str, Code | PeriodCode]] = {
    "account": Code.ACCOUNT_MISSING, "book": Code.BOOK_UNKNOWN, "hold": Code.HOLD_UNKNOWN,
    "period": PeriodCode.PERIOD_UNKNOWN, "voucher": Code.VOUCHER_UNKNOWN,
}  # fmt: skip
"""What is asked for and is not there has the name by which an event or command that needs it is refused."""


def missing_code(what: str) -> str:
    """The code of what is not there: its own where nothing is ever refused for want of it."""
    known = MISSING.get(what)
    return known or f"{what.upper().replace(' ', '_')}_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an exception of our own layers means to a person."""

    exception: type[Exception]
    code: str
    next_step: str
    not_ready: bool = False
    message: str = ""
    """Instead of the exception's own words, which may name hosts and users."""


MEANINGS: Final = (
    Meaning(SeveralFoundError, "SEVERAL_FOUND", "name the payment, too: --order-key KEY"),
    Meaning(PositionAheadError, "POSITION_AHEAD", "leave the position out to read the latest"),
    Meaning(QueryError, "STORE_UNAVAILABLE", "try again; if it stays away: ledgerctl doctor", not_ready=True),
    Meaning(RebuildSuperseded, "REBUILD_SUPERSEDED", "the later rebuild goes on; nothing is to be done"),
    Meaning(ScanConflictError, "SCAN_CONFLICT", "another scan is under way: try again"),
    Meaning(MigrationError, "MIGRATION_REFUSED", "what was refused was rolled back", not_ready=True),
    Meaning(LocalServiceError, "LOCAL_SERVICE_UNAVAILABLE", "look around with: ledgerctl doctor", not_ready=True),
    Meaning(TransportUnavailable, "BROKER_UNAVAILABLE", "check LEDGER_KAFKA_BOOTSTRAP, then try again", not_ready=True),
    Meaning(TransportError, "TRANSPORT_FAILED", "look around with: ledgerctl doctor"),
    Meaning(
        QueueFullError,
        "ORDER_KEY_QUEUE_FULL",
        "bring about what it waits for (ledgerctl parked --book BOOK), then try again: nothing is posted twice",
    ),
    Meaning(
        BatchTooLargeError,
        "EVENT_TOO_LARGE",
        "bring about what waits on its order key in smaller steps, then try again: nothing is posted twice",
    ),
    Meaning(PostingHaltedError, "POSTING_HALTED", "see why with: ledgerctl doctor", not_ready=True),
    Meaning(
        psycopg.errors.InsufficientPrivilege,
        "NOT_PERMITTED",
        "give it the role that the command needs (docs/reference/roles.md)",
        message="the login of LEDGER_POSTGRES_DSN may not do this",
    ),
    Meaning(
        psycopg.OperationalError,
        "STORE_UNAVAILABLE",
        "check LEDGER_POSTGRES_DSN, then: ledgerctl doctor",
        not_ready=True,
        message="PostgreSQL can't be reached, or refuses the login",
    ),
)
"""The first that fits is the answer."""


def known_error(error: Exception) -> CliError | None:
    """What an exception means to a person; None for one that nobody expected."""
    if isinstance(error, CliError):
        return error
    if isinstance(error, NotFoundError):
        return with_next(missing_code(error.what), str(error))
    if isinstance(
        error, (AccountRefusedError, AssetCommandError, BookExistsError, ChartCommandError, PeriodRefusedError)
    ):
        return with_next(getattr(error, "code", "BOOK_EXISTS"), str(error))
    if isinstance(error, ConfigurationError):
        return NotReady("CONFIGURATION_UNSAFE", str(error), f"correct {', '.join(error.keys)}")
    for meaning in MEANINGS:
        if isinstance(error, meaning.exception):
            make = NotReady if meaning.not_ready else CliError
            return make(meaning.code, meaning.message or masked_text(str(error)), meaning.next_step)
    return None


def unexpected_error(error: BaseException) -> CliError:
    """An error that nobody foresaw, without its trace."""
    text = masked_text(str(error).strip().partition("\n")[0])[:300]
    return CliError(
        "INTERNAL_ERROR", f"{type(error).__name__}: {text}", "set LEDGER_DEBUG=1 to see where, and report it"
    )


def with_next(code: str, message: str) -> CliError:
    """An error with what to do about its code."""
    return CliError(code, message, NEXT_STEPS.get(code, ""))
