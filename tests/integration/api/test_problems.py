"""Every error is a problem by RFC 9457 with a code of the table, and tells nothing of the inside."""

import json
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from psycopg_pool import ConnectionPool

from api.problems import BY_CODE
from projections.queries.snapshot import open_pool
from tests.support.api import captured_log, client_of
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import PostedLedger

SHOP = "/v1/books/shop"
STATEMENT = f"{SHOP}/accounts/wallet:seller:a/statement"
NAMES = {
    "book": "shop", "account": "wallet:seller:a", "voucher_no": "1", "order_key": "o-1", "hold_id": "h-1",
    "through": "2026-01-31", "refund_id": "r-1", "payout_id": "p-1", "fee_id": "p-1", "transfer_id": "t-1",
}  # fmt: skip
INSIDES = (
    "Traceback", "psycopg", 'File "', ".py", "SELECT", "ledger.", "read.", "postgres", "127.0.0.1",
    "site-packages", "/usr/",
)  # fmt: skip


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "instance", "code", "trace_id", "errors"}
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code), answer.text
    assert problem["type"] == f"/problems/{code}"
    assert problem["title"] == BY_CODE[code].title
    assert problem["detail"]
    assert problem["trace_id"] == answer.headers["X-Request-Id"]
    assert ("Retry-After" in answer.headers) == (status == 503)
    for inside in INSIDES:
        assert inside not in answer.text.replace(problem["instance"], ""), inside


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/v1",
        "/v1/books/",
        "/v1/books/nowhere",
        "/v1/books/SHOP",
        "/v1/books/sh%00op",
        f"{SHOP}/accounts/none",
        f"{SHOP}/accounts/none/balance",
        f"{SHOP}/accounts/none/statement",
        f"{SHOP}/accounts/none/days",
        f"{SHOP}/accounts/%F0%9F%92%A9",
        f"{SHOP}/accounts/{'a' * 500}",
        f"{SHOP}/vouchers/0",
        f"{SHOP}/vouchers/99999",
        f"{SHOP}/vouchers/1e3",
        f"{SHOP}/vouchers/１",
        f"{SHOP}/vouchers/99999999999999999999",
        f"{SHOP}/events?source=/psp&id=never",
        f"{SHOP}/payments/never",
        f"{SHOP}/payments/%00",
        f"{SHOP}/payments/p-1",
        f"{SHOP}/timelines/never",
        f"{SHOP}/refunds/never",
        f"{SHOP}/refunds/refund-o-3?order_key=o-1",
        f"{SHOP}/payouts/never",
        f"{SHOP}/fees/never",
        f"{SHOP}/beneficiaries/clearing:processor:BRL",
        "/problems/NONE",
    ],
)
def test_what_is_not_there_is_not_found(standing: httpx.Client, path: str) -> None:
    assert_problem(standing.get(path), 404, "NOT_FOUND")


def test_a_foreign_thing_answers_exactly_like_a_missing_one(client: httpx.Client, shop: PostedLedger) -> None:
    shop.create_book("other")
    for foreign, missing in (
        ("accounts/wallet:seller:a", "accounts/wallet:seller:zz"),
        ("vouchers/1", "vouchers/77"),
        ("events?source=/psp&id=captured-o-1", "events?source=/psp&id=never"),
        ("payments/o-1", "payments/never"),
    ):
        answers = [client.get(f"/v1/books/other/{path}") for path in (foreign, missing)]
        for answer in answers:
            assert_problem(answer, 404, "NOT_FOUND")
        bodies = [{**answer.json(), "instance": "", "trace_id": ""} for answer in answers]
        assert bodies[0] == bodies[1]
        assert answers[0].headers.get("Ledger-Position") == answers[1].headers.get("Ledger-Position")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_than_get_are_not_allowed(standing: httpx.Client, method: str) -> None:
    answer = standing.request(method, SHOP)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET"
    if method != "HEAD":
        assert_problem(answer, 405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "query.limit"),
        ("limit=1001", "query.limit"),
        ("limit=-1", "query.limit"),
        ("limit=1.0", "query.limit"),
        ("limit=1e3", "query.limit"),
        ("limit=1_0", "query.limit"),
        ("limit=%201", "query.limit"),
        ("limit=１２", "query.limit"),
        ("limit=", "query.limit"),
        ("limit=NaN", "query.limit"),
        ("limit=1&limit=2", "query.limit"),
        ("as_of_position=99999999999999999999", "query.as_of_position"),
        ("as_of_position=9223372036854775808", "query.as_of_position"),
        ("min_position=-5", "query.min_position"),
        ("order=sideways", "query.order"),
        ("Limit=1", "query.Limit"),
        ("nope=1", "query.nope"),
    ],
)
def test_a_bad_parameter_is_named(standing: httpx.Client, query: str, parameter: str) -> None:
    answer = standing.get(f"{STATEMENT}?{query}")
    assert_problem(answer, 422, "PARAMETER_INVALID")
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


@pytest.mark.parametrize("listed", ["payments", "refunds", "payouts", "fees", "transfers", "findings"])
def test_a_state_that_there_is_not_is_no_empty_page(standing: httpx.Client, listed: str) -> None:
    answer = standing.get(f"{SHOP}/{listed}?state=DONE")
    assert_problem(answer, 422, "PARAMETER_INVALID")
    assert [error["parameter"] for error in answer.json()["errors"]] == ["query.state"]


def test_no_question_ignores_a_parameter_that_it_does_not_know(standing: httpx.Client) -> None:
    paths = list(standing.get("/openapi.json").json()["paths"])
    for path in [*paths, "/", "/docs", "/problems"]:
        filled = path.format(**NAMES)
        answer = standing.get(f"{filled}?unknown=1")
        assert_problem(answer, 422, "PARAMETER_INVALID")
        assert "query.unknown" in [error["parameter"] for error in answer.json()["errors"]]


def test_a_position_ahead_of_the_book_is_refused_and_one_that_does_not_come_is_to_be_tried_again(
    standing: httpx.Client,
) -> None:
    assert_problem(standing.get(f"{STATEMENT}?as_of_position=100000"), 422, "POSITION_AHEAD")
    assert_problem(standing.get(f"{SHOP}?min_position=100000"), 503, "POSITION_NOT_REACHED")


def test_an_unknown_failure_is_an_answer_without_its_cause_and_a_line_in_the_log_with_it(
    shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    log, lines = captured_log()
    with psycopg.connect(database.dsn()) as admin:
        admin.execute("DROP VIEW read.voucher_line")
    with client_of(pool, log=log) as client:
        answer = client.get(f"{SHOP}/vouchers/1", headers={"X-Request-Id": "find-me"})
    assert_problem(answer, 500, "INTERNAL_ERROR")
    failed = [json.loads(call.args[0]) for call in lines.logger.calls if "http.failed" in call.args[0]]
    assert [line["request_id"] for line in failed] == ["find-me"]
    assert "voucher_line" in failed[0]["exception"]


@pytest.fixture
def orphan(database: TestDatabase) -> Iterator[tuple[httpx.Client, list[str]]]:
    """A client of an application whose store is away, and what it logs."""
    log, lines = captured_log()
    pool = open_pool("postgresql://someone:hunter2@127.0.0.1:1/nowhere", size=1, wait_seconds=0.2)
    written: list[str] = []
    try:
        with client_of(pool, log=log) as client:
            yield client, written
    finally:
        pool.close()
        written += [str(call) for call in lines.logger.calls]
        assert "hunter2" not in "".join(written)


def test_a_store_that_is_away_is_to_be_tried_again(orphan: tuple[httpx.Client, list[str]]) -> None:
    client, _ = orphan
    for path in ("/v1/books", SHOP, STATEMENT):
        answer = client.get(path)
        assert_problem(answer, 503, "STORE_UNAVAILABLE")
        assert "hunter2" not in answer.text
    assert_problem(client.get("/readyz"), 503, "NOT_READY")
    assert client.get("/livez").json() == {"ok": True}
    health = client.get("/healthz").json()
    assert (health["ok"], health["ready"], health["dependencies"]["store"]["ok"]) == (True, False, False)
    assert "ledger_store_up 0.0" in client.get("/metrics").text


def test_health_says_why_the_posting_path_cannot_be_used(client: httpx.Client, database: TestDatabase) -> None:
    assert client.get("/healthz").json()["ready"] is True
    with psycopg.connect(database.dsn(), autocommit=True) as admin:
        admin.execute("INSERT INTO ledger.maintenance VALUES (0, 'all', 'halt_posting', 'moving house', NULL)")
        admin.execute("UPDATE ledger.source_position SET stopped_code = 'TOPIC_RECREATED'")
        admin.execute(
            """INSERT INTO projections.source_position (consumer, topic, partition, next_offset, stopped_code)
            VALUES ('projector', 'ledger.events.v1', 3, 7, 'SOURCE_CORRUPT')"""
        )
    health = client.get("/healthz").json()
    assert (health["ok"], health["ready"]) == (True, False)
    assert "moving house" in health["dependencies"]["maintenance"]["reason"]
    for stopped in ("payments/0 TOPIC_RECREATED", "ledger.events.v1/3 SOURCE_CORRUPT"):
        assert stopped in health["dependencies"]["partitions"]["reason"]
    assert client.get("/readyz").status_code == 200


PAUSES = {
    "maintenance of one book": ("INSERT INTO ledger.maintenance VALUES (1, 'all', 'drain', 'a count', NULL)", True),
    "one book is halted": ("UPDATE ledger.book SET posting_mode = 'halted' WHERE code = 'shop'", True),
    "one book is dropped": ("UPDATE ledger.book SET posting_mode = 'dropped' WHERE code = 'shop'", True),
    "the time is over": ("INSERT INTO ledger.maintenance VALUES (0, 'all', 'drain', 'a count', '2020-01-01Z')", True),
    "maintenance of all books": ("INSERT INTO ledger.maintenance VALUES (0, 'all', 'drain', 'a count', NULL)", False),
    "what belongs to no book waits": ("UPDATE ledger.book SET posting_mode = 'halted' WHERE code = 'system'", False),
}
"""What an operator does, and whether the posting path as a whole can be used then."""

PAUSES_TOLD = {
    "maintenance of one book": "shop: all drain (a count)",
    "one book is halted": "shop: all halted (its posting mode)",
    "maintenance of all books": "every book: all drain (a count)",
    "what belongs to no book waits": "system: all halted (its posting mode)",
}


@pytest.mark.parametrize("pause", PAUSES)
def test_what_pauses_one_book_is_told_and_leaves_the_others_ready(
    pause: str, standing: httpx.Client, standing_database: TestDatabase
) -> None:
    statement, ready = PAUSES[pause]
    with psycopg.connect(standing_database.dsn(), autocommit=True) as admin:
        admin.execute(statement.encode())
        health = standing.get("/healthz").json()
        admin.execute("DELETE FROM ledger.maintenance")
        admin.execute("UPDATE ledger.book SET posting_mode = 'open'")
    assert (health["ok"], health["ready"]) == (True, ready)
    assert health["dependencies"]["maintenance"] == {"ok": ready, "reason": PAUSES_TOLD.get(pause, "")}


@pytest.mark.parametrize("offered", ["", "a b", "x" * 200, "<script>", "ü"])
def test_a_request_id_that_does_not_belong_in_a_log_is_replaced(standing: httpx.Client, offered: str) -> None:
    answer = standing.get("/livez", headers={b"X-Request-Id": offered.encode()})
    assert answer.headers["X-Request-Id"] not in {"", offered}


def test_the_trace_id_is_the_callers_when_there_is_one(standing: httpx.Client) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = standing.get("/nope", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert answer.json()["trace_id"] == trace
