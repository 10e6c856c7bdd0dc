"""Accounting periods: what may be closed and reopened, where late events go, and the closing trial balance.

A period ends with a day in UTC and begins after the one before it; what follows the last closed one is open. A
book is closed through one moment, and nothing takes effect at or before it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Literal, NamedTuple, get_args

LateEvents = Literal["park", "redirect"]
"""What a book's chart says of events that took effect in a closed period: wait, or post into the open one."""
LATE_EVENTS: tuple[LateEvents, ...] = get_args(LateEvents)

NEVER_US = -(2**63)
"""Microseconds of `closed_through` in a book that has no closed period."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def last_moment_us(day: date) -> int:
    """The last microsecond of a day in UTC, since 1970."""
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH) // _MICROSECOND + 86_400_000_000 - 1


def day_of(moment_us: int) -> date:
    """The UTC day of a moment."""
    return (_EPOCH + moment_us * _MICROSECOND).date()


class Late(NamedTuple):
    """A voucher that was moved out of a closed period: when it took effect, and into which moment it went.

    `period` is the last day of the period that was closed then, at whose end the open one begins.
    """

    effective_at_us: int
    redirected_to_us: int
    period: str


def redirect(effective_at_us: int, closed_through_us: int) -> Late | None:
    """Where a voucher goes when it falls into what is closed: the first open moment. None when it does not."""
    if effective_at_us > closed_through_us:
        return None
    return Late(effective_at_us, closed_through_us + 1, day_of(closed_through_us).isoformat())


# Closing and reopening --------------------------------------------------------------------------------------


class PeriodCode(StrEnum):
    """Why a period is not closed or reopened, in order of precedence."""

    BOOK_UNKNOWN = "BOOK_UNKNOWN"
    REASON_MISSING = "REASON_MISSING"
    PERSON_MISSING = "PERSON_MISSING"
    SAME_PERSON = "SAME_PERSON"
    PERIOD_UNKNOWN = "PERIOD_UNKNOWN"
    PERIOD_NOT_CLOSED = "PERIOD_NOT_CLOSED"
    PERIOD_NOT_LAST = "PERIOD_NOT_LAST"
    PERIOD_CLOSING = "PERIOD_CLOSING"
    PERIOD_NOT_OVER = "PERIOD_NOT_OVER"
    PERIOD_REOPENED = "PERIOD_REOPENED"
    PERIOD_OVERLAPS = "PERIOD_OVERLAPS"


class PeriodRefusal(NamedTuple):
    """A refusal by name, with a sentence for people."""

    code: PeriodCode
    detail: str


Status = Literal["open", "closing", "closed"]


class Period(NamedTuple):
    """A period that was closed at least once. `after` is the last day of the one before it."""

    through: date
    after: date | None
    status: Status
    closings: int


class Shut(NamedTuple):
    """Begin the `closings`-th closing of the period."""

    after: date | None
    closings: int


class Resume(NamedTuple):
    """The period is shut already: what remains is to seal it, or nothing when `closed`."""

    period: Period

    @property
    def closed(self) -> bool:
        return self.period.status == "closed"


def plan_closing(periods: Iterable[Period], through: date, today: date) -> Shut | Resume | PeriodRefusal:
    """What closing through this day takes. `today` is the book's own day: a period that is not over stays open.

    Periods close in their order, one at a time; a reopened one is closed again, as it was, before a later one.
    """
    known = {period.through: period for period in periods}
    asked = known.get(through)
    shut = [period for period in known.values() if period.status == "closing"]
    reopened = min((day for day, period in known.items() if period.status == "open"), default=None)
    closed = max((day for day, period in known.items() if period.status == "closed"), default=None)
    if asked is not None and asked.status != "open" and (asked in shut or not shut):
        return Resume(asked)
    if shut:
        return PeriodRefusal(PeriodCode.PERIOD_CLOSING, f"the period through {shut[0].through} is being closed")
    if through >= today:
        return PeriodRefusal(PeriodCode.PERIOD_NOT_OVER, f"{through} is not over: it is {today}")
    if reopened is not None and through != reopened:
        return PeriodRefusal(PeriodCode.PERIOD_REOPENED, f"the period through {reopened} was reopened: close it first")
    if asked is not None:
        return Shut(asked.after, asked.closings + 1)
    if closed is not None and through < closed:
        return PeriodRefusal(PeriodCode.PERIOD_OVERLAPS, f"{through} lies in what is closed through {closed}")
    return Shut(closed, 1)


def plan_reopening(periods: Iterable[Period], through: date) -> Period | PeriodRefusal:
    """The period to reopen: the last closed one, so that what is closed stays in one piece."""
    known = {period.through: period for period in periods}
    asked = known.get(through)
    if asked is None:
        return PeriodRefusal(PeriodCode.PERIOD_UNKNOWN, f"no period through {through} was ever closed")
    if asked.status != "closed":
        return PeriodRefusal(PeriodCode.PERIOD_NOT_CLOSED, f"the period through {through} is {asked.status}")
    later = [day for day, period in known.items() if day > through and period.status != "open"]
    if later:
        return PeriodRefusal(
            PeriodCode.PERIOD_NOT_LAST, f"the period through {max(later)} is closed, too: it goes first"
        )
    return asked


def refuse_persons(requested_by: str, approved_by: str) -> PeriodRefusal | None:
    """A reopening names two distinct persons; letter case and space around a name make no other person."""
    if not requested_by.strip() or not approved_by.strip():
        return PeriodRefusal(PeriodCode.PERSON_MISSING, "a reopening names who asked for it and who approved it")
    if requested_by.strip().casefold() == approved_by.strip().casefold():
        return PeriodRefusal(PeriodCode.SAME_PERSON, f"{approved_by.strip()} can't approve a request of their own")
    return None


# The closing trial balance ----------------------------------------------------------------------------------

CANONICAL_FORM = "ledger-trial-balance/1"
"""First line of the canonical form: its name and version."""


class AccountSums(NamedTuple):
    """Debits and credits of one account, in minor units, of all that took effect through the day."""

    account: str
    currency: str
    debits_minor: int
    credits_minor: int


@dataclass(slots=True, frozen=True)
class TrialBalance:
    """What a closing seals. `totals` are debits by currency; credits are the same, or the ledger is wrong."""

    accounts: int
    totals: Mapping[str, int]
    digest: str
    """SHA-256 of the canonical form, as hexadecimal digits."""
    out_of_balance: Sequence[str]


def trial_balance(book: str, through: date, lines: Iterable[AccountSums]) -> TrialBalance:
    """Folds lines that come sorted by the bytes of their account's code.

    The canonical form is UTF-8 text, each line ended by a line feed, its parts separated by tabs: the name of the
    form; the book and the last day; then a line for each account that has an entry: code, currency, debits, credits.
    """
    form = sha256(canonical_head(book, through))
    accounts = 0
    debits: dict[str, int] = {}
    differences: dict[str, int] = {}
    for line in lines:
        form.update(canonical_line(line))
        accounts += 1
        debits[line.currency] = debits.get(line.currency, 0) + line.debits_minor
        differences[line.currency] = differences.get(line.currency, 0) + line.debits_minor - line.credits_minor
    totals = {currency: debits[currency] for currency in sorted(debits)}
    return TrialBalance(accounts, totals, form.hexdigest(), [code for code in totals if differences[code]])


def canonical_head(book: str, through: date) -> bytes:
    """The first two lines of the canonical form."""
    return f"{CANONICAL_FORM}\n{book}\t{through.isoformat()}\n".encode()


def canonical_line(line: AccountSums) -> bytes:
    """One account in the canonical form."""
    return f"{line.account}\t{line.currency}\t{line.debits_minor}\t{line.credits_minor}\n".encode()
