"""What may be closed and reopened, where late events go, and the bytes that a closing seals."""

from datetime import date
from hashlib import sha256

import pytest

from ledger_core.domain.periods import (
    NEVER_US,
    AccountSums,
    Late,
    Period,
    PeriodCode,
    PeriodRefusal,
    Resume,
    Shut,
    Status,
    day_of,
    last_moment_us,
    plan_closing,
    plan_reopening,
    redirect,
    refuse_persons,
    trial_balance,
)

JAN, FEB, MAR = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)
TODAY = date(2026, 5, 1)


def known(*statuses: Status) -> list[Period]:
    """January, February, March, as far as statuses are given."""
    days = (JAN, FEB, MAR)
    before = (None, JAN, FEB)
    return [Period(days[n], before[n], status, 1) for n, status in enumerate(statuses)]


CLOSING: list[tuple[list[Period], date, Shut | Resume | PeriodCode]] = [
    (known(), JAN, Shut(None, 1)),
    (known(), TODAY, PeriodCode.PERIOD_NOT_OVER),
    (known(), date(2026, 4, 30), Shut(None, 1)),
    (known("closed"), FEB, Shut(JAN, 1)),
    (known("closed"), JAN, Resume(Period(JAN, None, "closed", 1))),
    (known("closed"), date(2026, 1, 15), PeriodCode.PERIOD_OVERLAPS),
    (known("closed", "closed"), JAN, Resume(Period(JAN, None, "closed", 1))),
    (known("closing"), JAN, Resume(Period(JAN, None, "closing", 1))),
    (known("closing"), FEB, PeriodCode.PERIOD_CLOSING),
    (known("closed", "closing"), JAN, PeriodCode.PERIOD_CLOSING),
    (known("closed", "open"), FEB, Shut(JAN, 2)),
    (known("closed", "open"), MAR, PeriodCode.PERIOD_REOPENED),
    (known("closed", "open"), date(2026, 2, 10), PeriodCode.PERIOD_REOPENED),
    (known("open", "open"), FEB, PeriodCode.PERIOD_REOPENED),
    (known("open", "open"), JAN, Shut(None, 2)),
    (known("closed", "open"), TODAY, PeriodCode.PERIOD_NOT_OVER),
]


@pytest.mark.parametrize(("periods", "through", "answer"), CLOSING)
def test_a_closing_answers_as_its_table_says(
    periods: list[Period], through: date, answer: Shut | Resume | PeriodCode
) -> None:
    planned = plan_closing(periods, through, TODAY)
    assert (planned.code if isinstance(planned, PeriodRefusal) else planned) == answer


REOPENING: list[tuple[list[Period], date, Period | PeriodCode]] = [
    (known(), JAN, PeriodCode.PERIOD_UNKNOWN),
    (known("closed"), JAN, Period(JAN, None, "closed", 1)),
    (known("closed"), FEB, PeriodCode.PERIOD_UNKNOWN),
    (known("open"), JAN, PeriodCode.PERIOD_NOT_CLOSED),
    (known("closing"), JAN, PeriodCode.PERIOD_NOT_CLOSED),
    (known("closed", "closed"), JAN, PeriodCode.PERIOD_NOT_LAST),
    (known("closed", "closing"), JAN, PeriodCode.PERIOD_NOT_LAST),
    (known("closed", "open"), JAN, Period(JAN, None, "closed", 1)),
]


@pytest.mark.parametrize(("periods", "through", "answer"), REOPENING)
def test_a_reopening_answers_as_its_table_says(
    periods: list[Period], through: date, answer: Period | PeriodCode
) -> None:
    planned = plan_reopening(periods, through)
    assert (planned.code if isinstance(planned, PeriodRefusal) else planned) == answer


@pytest.mark.parametrize(
    ("asked", "approved", "code"),
    [
        ("ana", "ben", None),
        ("ana", "ana", PeriodCode.SAME_PERSON),
        ("ana", " Ana ", PeriodCode.SAME_PERSON),
        ("", "ben", PeriodCode.PERSON_MISSING),
        ("ana", " ", PeriodCode.PERSON_MISSING),
        ("", "", PeriodCode.PERSON_MISSING),
    ],
)
def test_a_reopening_takes_two_distinct_persons(asked: str, approved: str, code: PeriodCode | None) -> None:
    refusal = refuse_persons(asked, approved)
    assert (refusal.code if refusal else None) == code


def test_what_falls_on_the_last_moment_is_late_and_the_next_is_not() -> None:
    closed = last_moment_us(JAN)
    assert day_of(closed) == JAN
    assert day_of(closed + 1) == date(2026, 2, 1)
    assert redirect(closed, closed) == Late(closed, closed + 1, "2026-01-31")
    assert redirect(closed + 1, closed) is None
    assert redirect(-1, NEVER_US) is None


def test_moments_before_1970_have_their_day() -> None:
    assert day_of(last_moment_us(date(1969, 12, 31))) == date(1969, 12, 31)
    assert last_moment_us(date(1969, 12, 31)) == -1


def test_the_canonical_form_is_what_is_documented() -> None:
    lines = [AccountSums("cash:EUR", "EUR", 700, 200), AccountSums("wallet:1", "EUR", 0, 500)]
    sealed = trial_balance("shop", JAN, lines)
    form = "ledger-trial-balance/1\nshop\t2026-01-31\ncash:EUR\tEUR\t700\t200\nwallet:1\tEUR\t0\t500\n"
    assert sealed.digest == sha256(form.encode()).hexdigest()
    assert (sealed.accounts, dict(sealed.totals), sealed.out_of_balance) == (2, {"EUR": 700}, [])


def test_a_currency_whose_sides_differ_is_named() -> None:
    lines = [AccountSums("a", "EUR", 1, 0), AccountSums("b", "BRL", 2, 1), AccountSums("c", "BRL", 0, 1)]
    assert trial_balance("shop", JAN, lines).out_of_balance == ["EUR"]


def test_any_other_book_day_account_or_amount_gives_another_hash() -> None:
    line = AccountSums("a", "EUR", 1, 1)
    forms = [
        trial_balance("shop", JAN, [line]),
        trial_balance("shop2", JAN, [line]),
        trial_balance("shop", FEB, [line]),
        trial_balance("shop", JAN, [line._replace(account="b")]),
        trial_balance("shop", JAN, [line._replace(currency="BRL")]),
        trial_balance("shop", JAN, [line._replace(debits_minor=2)]),
        trial_balance("shop", JAN, [line._replace(credits_minor=2)]),
        trial_balance("shop", JAN, [line, line]),
        trial_balance("shop", JAN, []),
    ]
    assert len({form.digest for form in forms}) == len(forms)
