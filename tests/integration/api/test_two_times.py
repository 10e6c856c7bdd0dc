"""Balances and trial balances in two times over HTTP: what they say, and what they refuse by name."""

import httpx
import pytest

from tests.support.posted_ledger import PostedLedger, captured

SHOP = "/v1/books/shop"
WALLET = f"{SHOP}/accounts/wallet:seller:a"
BALANCE = f"{WALLET}/balance"
TRIAL = f"{SHOP}/trial-balance"
BEFORE, DAY = "2026-11-20", "2026-11-21"


def test_a_backdated_voucher_changes_the_day_as_known_now_and_not_as_it_was_known(
    client: httpx.Client, shop: PostedLedger
) -> None:
    position = client.get(BALANCE).json()["position"]
    shop.post([captured("late", 1_000, {"a": 1_000}, time=f"{BEFORE}T23:59:59.999999Z")])
    as_known_then = client.get(f"{BALANCE}?effective_at={BEFORE}&known_at_position={position}").json()
    assert (as_known_then["balance"]["side"], as_known_then["entries"]) == ("none", 0)
    answer = client.get(f"{BALANCE}?effective_at={BEFORE}")
    as_known_now = answer.json()
    assert (as_known_now["balance"]["amount_minor"], as_known_now["balance"]["side"]) == ("900", "credit")
    assert (as_known_now["effective_at"], as_known_now["entries"]) == (BEFORE, 1)
    assert answer.headers["Ledger-Position"] == str(as_known_now["position"]) == str(position + 1)
    for question in (BALANCE, f"{BALANCE}?effective_at={DAY}", f"{BALANCE}?effective_at=9999-12-31"):
        assert client.get(question).json()["balance"] == client.get(BALANCE).json()["balance"]


def test_known_at_a_position_alone_is_the_balance_at_that_position(standing: httpx.Client) -> None:
    answers = [standing.get(f"{BALANCE}?{name}=9").json() for name in ("as_of_position", "known_at_position")]
    assert answers[0] == answers[1]
    assert answers[0]["effective_at"] is None


def test_the_trial_balance_in_two_times_balances_and_names_what_it_is_of(
    client: httpx.Client, shop: PostedLedger
) -> None:
    now = client.get(TRIAL).json()
    shop.post([captured("late", 1_000, {"a": 1_000}, time=f"{BEFORE}T00:00:00Z")])
    then = client.get(f"{TRIAL}?effective_at={DAY}&known_at_position={now['position']}")
    assert then.headers["Ledger-Position"] == str(now["position"]) == str(then.json()["position"])
    assert (then.json()["effective_at"], then.json()["through"]) == (DAY, None)
    assert [(total["debits"], total["credits"]) for total in then.json()["currencies"]] == [
        (total["debits"], total["credits"]) for total in now["currencies"]
    ]
    (backdated,) = client.get(f"{TRIAL}?effective_at={BEFORE}").json()["currencies"]
    assert backdated["debits"]["amount_minor"] == backdated["credits"]["amount_minor"] == "1000"
    assert client.get(f"{TRIAL}?effective_at={BEFORE}&known_at_position={now['position']}").json()["currencies"] == []


@pytest.mark.parametrize("question", [BALANCE, TRIAL])
@pytest.mark.parametrize(
    ("query", "code", "parameter"),
    [
        ("effective_at=2026-02-30", "PARAMETER_INVALID", "query.effective_at"),
        ("effective_at=2026-11-21T00:00:00Z", "PARAMETER_INVALID", "query.effective_at"),
        ("effective_at=1795219200", "PARAMETER_INVALID", "query.effective_at"),
        ("effective_at=２０２６-11-21", "PARAMETER_INVALID", "query.effective_at"),
        ("effective_at=", "PARAMETER_INVALID", "query.effective_at"),
        ("known_at_position=-1", "PARAMETER_INVALID", "query.known_at_position"),
        ("known_at_position=1e3", "PARAMETER_INVALID", "query.known_at_position"),
        ("known_at_position=9223372036854775808", "PARAMETER_INVALID", "query.known_at_position"),
        ("known_at_position=100000", "POSITION_AHEAD", None),
        ("effective_at=2026-11-21&known_at_position=100000", "POSITION_AHEAD", None),
    ],
)
def test_bad_times_are_refused_by_name(
    standing: httpx.Client, question: str, query: str, code: str, parameter: str | None
) -> None:
    answer = standing.get(f"{question}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [error["parameter"] for error in answer.json()["errors"]] == ([parameter] if parameter else [])


@pytest.mark.parametrize("times", ["effective_at=2026-11-21", "known_at_position=9"])
@pytest.mark.parametrize(
    ("question", "other"),
    [(f"{BALANCE}?as_of_position=9", "query.as_of_position"), (f"{TRIAL}?through=2026-11-21", "query.through")],
)
def test_other_words_for_the_same_stand_alone(standing: httpx.Client, question: str, other: str, times: str) -> None:
    answer = standing.get(f"{question}&{times}")
    assert (answer.status_code, answer.json()["code"]) == (422, "PARAMETER_INVALID")
    assert [error["parameter"] for error in answer.json()["errors"]] == [other]


def test_an_account_of_another_book_is_not_found_like_a_missing_one(client: httpx.Client, shop: PostedLedger) -> None:
    shop.create_book("other")
    times = f"effective_at={DAY}&known_at_position=0"
    answers = [
        client.get(f"/v1/books/{book}/accounts/{account}/balance?{times}")
        for book, account in (
            ("other", "wallet:seller:a"),
            ("other", "wallet:seller:zz"),
            ("nowhere", "wallet:seller:a"),
        )
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "NOT_FOUND")] * 3
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
    assert client.get(f"/v1/books/other/trial-balance?effective_at={DAY}").json()["currencies"] == []
    assert client.get(f"/v1/books/nowhere/trial-balance?{times}").status_code == 404
