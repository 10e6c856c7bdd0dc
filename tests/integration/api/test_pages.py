"""Walking pages: each row once, at one position, whatever is written meanwhile; and cursors that fit nothing else."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.posted_ledger import PostedLedger, captured

SHOP = "/v1/books/shop"
STATEMENT = f"{SHOP}/accounts/clearing:processor:BRL/statement"


def walk(client: httpx.Client, first: str) -> list[dict[str, Any]]:
    """All pages, following the links."""
    pages = []
    question: str | None = first
    while question is not None:
        answer = client.get(question)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        question = answer.links["next"]["url"] if "next" in answer.links else None
        assert (question is None) == (pages[-1]["next_cursor"] is None)
        assert len(pages) < 500
    return pages


@pytest.mark.parametrize("order", ["oldest_first", "newest_first"])
def test_walking_a_statement_gives_each_entry_once_at_one_position_while_others_post(
    client: httpx.Client, shop: PostedLedger, order: str
) -> None:
    shop.post([captured(f"before-{number}", 100, {"a": 100}) for number in range(40)])
    stop = threading.Event()

    def post_on() -> int:
        batches = 0
        while not stop.is_set():
            batches += 1
            shop.post([captured(f"during-{order}-{batches}", 100, {"a": 100})])
        return batches

    with ThreadPoolExecutor(1) as threads:
        posting = threads.submit(post_on)
        try:
            pages = walk(client, f"{STATEMENT}?limit=3&order={order}")
        finally:
            stop.set()
        assert posting.result() > 0
    assert len({page["position"] for page in pages}) == 1
    sequences = [entry["posting_sequence"] for page in pages for entry in page["entries"]]
    expected = list(range(1, pages[0]["entries_in_all"] + 1))
    assert sequences == (expected if order == "oldest_first" else expected[::-1])
    assert client.get(STATEMENT).json()["entries_in_all"] > len(expected)


@pytest.mark.parametrize("entries", ["all", "since_zero"])
def test_walking_an_explanation_gives_each_entry_once_at_one_position_and_the_sums_once(
    client: httpx.Client, shop: PostedLedger, entries: str
) -> None:
    question = f"{SHOP}/accounts/clearing:processor:BRL/explain?entries={entries}"
    whole = client.get(question).json()
    answer = client.get(f"{question}&limit=2")
    pages = [answer.json()]
    while "next" in answer.links:
        shop.post([captured(f"during-{entries}-{len(pages)}", 100, {"a": 100})])
        answer = client.get(answer.links["next"]["url"])
        pages.append(answer.json())
    assert {(page["position"], page["first_entry"]) for page in pages} == {(whole["position"], whole["first_entry"])}
    assert [entry for page in pages for entry in page["entries"]] == whole["entries"]
    assert len(pages) > 2
    assert [page["sums"] for page in pages] == [whole["sums"], *[None] * (len(pages) - 1)]
    assert (whole["sums"] is None) == (entries == "all")


@pytest.mark.parametrize(
    ("question", "rows", "key"),
    [
        ("/v1/books", "books", "book"),
        (f"{SHOP}/accounts", "accounts", "account"),
        (f"{SHOP}/findings", "findings", "subject"),
        (f"{SHOP}/accounts/wallet:seller:a/days", "days", "day"),
        (f"{SHOP}/payments", "payments", "order_key"),
        (f"{SHOP}/payments?beneficiary=wallet:seller:a", "payments", "order_key"),
        (f"{SHOP}/refunds", "items", "id"),
        (f"{SHOP}/payouts", "items", "id"),
        (f"{SHOP}/beneficiaries", "beneficiaries", "account"),
    ],
)
def test_small_pages_hold_what_one_large_page_holds(standing: httpx.Client, question: str, rows: str, key: str) -> None:
    whole = [row[key] for row in standing.get(question).json()[rows]]
    pages = walk(standing, f"{question}{'&' if '?' in question else '?'}limit=1")
    assert [row[key] for page in pages for row in page[rows]] == whole
    assert len(pages) == max(len(whole), 1)


def test_accounts_opened_during_a_walk_neither_repeat_nor_hide_others(client: httpx.Client, shop: PostedLedger) -> None:
    before = {row["account"] for row in client.get(f"{SHOP}/accounts").json()["accounts"]}
    seen: list[str] = []
    question = f"{SHOP}/accounts?limit=1"
    for number in range(100):
        answer = client.get(question)
        seen += [row["account"] for row in answer.json()["accounts"]]
        if "next" not in answer.links:
            break
        question = answer.links["next"]["url"]
        if number < 5:
            shop.post([captured(f"opens-{number}", 100, {f"{'aaz'[number % 3]}{number}": 100})])
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


def cursor_of(client: httpx.Client, question: str) -> str:
    return str(client.get(question).json()["next_cursor"])


def test_a_cursor_of_another_question_is_refused(standing: httpx.Client) -> None:
    cursor = cursor_of(standing, f"{SHOP}/accounts?limit=1")
    for question in (
        f"/v1/books?cursor={cursor}",
        f"{SHOP}/findings?cursor={cursor}",
        f"{STATEMENT}?cursor={cursor}",
        f"{SHOP}/accounts?cursor={cursor[:-2]}",
        f"{SHOP}/accounts?cursor=A{cursor}",
        f"{SHOP}/accounts?cursor=",
        f"{SHOP}/accounts?cursor=%00",
        f"{SHOP}/accounts?cursor=ü",
    ):
        answer = standing.get(question)
        assert (answer.status_code, answer.json()["code"]) == (422, "CURSOR_INVALID"), question


def test_a_cursor_is_bound_to_the_filter_and_not_to_the_size_of_the_page(standing: httpx.Client) -> None:
    cursor = cursor_of(standing, f"{STATEMENT}?limit=1&order=newest_first")
    assert standing.get(f"{STATEMENT}?order=oldest_first&cursor={cursor}").json()["code"] == "CURSOR_INVALID"
    assert standing.get(f"{STATEMENT}?order=newest_first&limit=7&cursor={cursor}").status_code == 200
