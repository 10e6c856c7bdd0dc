"""What the query API answers when all is well."""

import re
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from tests.support.databases import TestDatabase
from tests.support.posted_ledger import PostedLedger, captured

SHOP = "/v1/books/shop"
WALLET = f"{SHOP}/accounts/wallet:seller:a"
QUESTIONS = [
    "/v1/books",
    SHOP,
    f"{SHOP}/accounts",
    WALLET,
    f"{WALLET}/balance",
    f"{WALLET}/balance?as_of_position=9",
    f"{WALLET}/balance?known_at_position=9",
    f"{WALLET}/balance?effective_at=2026-11-21",
    f"{WALLET}/balance?effective_at=2026-11-21&known_at_position=9",
    f"{WALLET}/statement",
    f"{WALLET}/days",
    f"{WALLET}/explain",
    f"{WALLET}/explain?as_of_position=9&entries=since_zero",
    f"{WALLET}/explain?effective_at=2026-11-21&known_at_position=9",
    f"{SHOP}/groups",
    f"{SHOP}/holds",
    f"{SHOP}/holds?account=wallet:seller:a&status=PLACED",
    f"{SHOP}/vouchers/1",
    f"{SHOP}/vouchers/1/explain",
    f"{SHOP}/events?source=/psp&id=captured-o-1",
    f"{SHOP}/trial-balance",
    f"{SHOP}/trial-balance?through=2026-11-21",
    f"{SHOP}/trial-balance?effective_at=2026-11-21",
    f"{SHOP}/trial-balance?effective_at=2026-11-21&known_at_position=9",
    f"{SHOP}/findings",
    f"{SHOP}/findings?state=OPEN&code=ORDER_SUSPENSE_NOT_ZERO",
    f"{SHOP}/payments",
    f"{SHOP}/payments?state=CAPTURED&order_key=o-&since=2026-11-21&through=2026-11-21",
    f"{SHOP}/payments?beneficiary=wallet:seller:a",
    f"{SHOP}/payments/o-1",
    f"{SHOP}/timelines/g-1",
    f"{SHOP}/refunds",
    f"{SHOP}/refunds/refund-o-3",
    f"{SHOP}/payouts",
    f"{SHOP}/payouts/p-1",
    f"{SHOP}/fees",
    f"{SHOP}/beneficiaries",
    f"{SHOP}/beneficiaries/wallet:seller:a",
    f"{SHOP}/settlement-profiles?status=PENDING",
    f"{SHOP}/lag",
    f"{SHOP}/periods",
]


def amounts_in(value: object) -> Iterator[dict[str, object]]:
    """Every object of an answer that is an amount."""
    if isinstance(value, dict):
        if "amount_minor" in value:
            yield value
        for part in value.values():
            yield from amounts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from amounts_in(part)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_about_a_book_names_its_position_and_its_request(standing: httpx.Client, question: str) -> None:
    answer = standing.get(question, headers={"X-Request-Id": "abc-1"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Request-Id"] == "abc-1"
    assert answer.headers["Cache-Control"] == "no-store"
    if question == "/v1/books":
        (system,) = (book for book in answer.json()["books"] if book["book"] == "system")
        assert answer.headers["Ledger-Position"] == str(system["position"])
    else:
        assert answer.headers["Ledger-Position"] == str(answer.json()["position"]) or "vouchers" in question
        assert int(answer.headers["Ledger-Position"]) > 0


@pytest.mark.parametrize("question", QUESTIONS)
def test_amounts_are_digits_with_currency_and_scale_and_never_signed(standing: httpx.Client, question: str) -> None:
    for amount in amounts_in(standing.get(question).json()):
        assert re.fullmatch(r"0|[1-9][0-9]{0,37}", str(amount["amount_minor"]), re.ASCII)
        assert amount["currency"] == "BRL"
        assert amount.get("side", "debit") in {"debit", "credit", "none"}
        assert amount.get("scale", 2) == 2


def test_times_are_rfc_3339_in_utc(standing: httpx.Client) -> None:
    voucher = standing.get(f"{SHOP}/vouchers/1").json()
    assert voucher["effective_at"] == "2026-11-21T08:46:53.000007Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", voucher["recorded_at"])


def test_a_balance_now_and_the_one_at_the_position_it_named_are_the_same(
    client: httpx.Client, shop: PostedLedger
) -> None:
    now = client.get(f"{WALLET}/balance").json()
    shop.post([captured("later", 900, {"a": 900})])
    assert client.get(f"{WALLET}/balance?as_of_position={now['position']}").json() == now
    assert client.get(f"{WALLET}/balance").json()["balance"] != now["balance"]


def test_what_was_just_posted_is_read_by_waiting_for_its_position(client: httpx.Client, shop: PostedLedger) -> None:
    result = shop.post([captured("later", 900, {"a": 900})])
    decided = result.decided[0]
    assert decided is not None
    answer = client.get(f"{SHOP}/vouchers/{decided.voucher_no}?min_position={decided.position}")
    assert answer.status_code == 200
    assert answer.json()["order_key"] == "later"


def test_a_member_of_a_group_answers_with_the_numbers_of_all_and_is_explained_with_the_others(
    standing: httpx.Client,
) -> None:
    first = int(standing.get(f"{SHOP}/events?source=/psp&id=group-g-1").json()["voucher_no"])
    assert standing.get(f"{SHOP}/vouchers/{first}").json()["group"] == [first, first + 1]
    explained = standing.get(f"{SHOP}/vouchers/{first + 1}/explain").json()
    assert explained["voucher"]["group"] == [first, first + 1]
    (other,) = explained["group_others"]
    assert (other["voucher_no"], other["memo"]) == (first, "transfer g-1")
    assert [line["amount"]["amount_minor"] for line in other["lines"]] == ["100", "100"]
    assert standing.get(f"{SHOP}/vouchers/1/explain").json()["group_others"] == []


def test_the_trial_balance_has_no_difference(standing: httpx.Client) -> None:
    for question in (f"{SHOP}/trial-balance", f"{SHOP}/trial-balance?through=2026-11-21"):
        (currency,) = standing.get(question).json()["currencies"]
        assert currency["difference"] == {"amount_minor": "0", "currency": "BRL", "scale": 2, "side": "none"}
        assert currency["debits"] == currency["credits"]


def test_a_question_for_a_payment_takes_any_order_key(client: httpx.Client, shop: PostedLedger) -> None:
    assert client.get(f"{SHOP}/payments/a/b%20c").json()["code"] == "NOT_FOUND"
    payment = client.get(f"{SHOP}/payments/o-3").json()
    assert payment["state"] == "CAPTURED"
    assert {one["what"]: one["answer"] for one in payment["retry_safety"]["answers"]}["capture"] == "done"


def test_the_index_leads_to_pages_that_are_there(standing: httpx.Client) -> None:
    links = standing.get("/").json()["links"]
    for path in links.values():
        assert standing.get(path).status_code == 200, path
    page = standing.get("/", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    for path in links.values():
        assert f'href="{path}"' in page.text


def test_the_pages_for_people_fetch_nothing_from_other_hosts(standing: httpx.Client) -> None:
    for path in ("/", "/docs", "/problems"):
        page = standing.get(path, headers={"Accept": "text/html"})
        assert "http" not in re.sub(r"<meta[^>]*>", "", page.text)
        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    documentation = standing.get("/docs").text
    for path in standing.get("/openapi.json").json()["paths"]:
        assert path in documentation


def test_metrics_count_by_route_and_hold_no_names_of_things(standing: httpx.Client) -> None:
    standing.get(WALLET)
    standing.get("/nope/secret-name")
    samples = standing.get("/metrics").text
    assert 'route="/v1/books/{book}/accounts/{account}",status="200"' in samples
    assert 'route="unknown",status="404"' in samples
    assert "ledger_store_up 1.0" in samples
    assert "ledger_relay_lag_positions_max" in samples
    assert 'ledger_findings{code="ORDER_SUSPENSE_NOT_ZERO",state="OPEN"} ' in samples
    assert "wallet" not in samples
    assert "secret-name" not in samples


def test_metrics_count_no_findings_that_are_none_any_more(
    client: httpx.Client, shop: PostedLedger, database: TestDatabase
) -> None:
    open_ones = 'ledger_findings{code="ORDER_SUSPENSE_NOT_ZERO",state="OPEN"}'
    assert f"{open_ones} 0.0" not in client.get("/metrics").text
    with psycopg.connect(database.dsn(), autocommit=True) as admin:
        admin.execute("UPDATE reconciliation.finding SET state = 'RESOLVED', resolved_at_position = 9")
    samples = client.get("/metrics").text
    assert 'ledger_findings{code="ORDER_SUSPENSE_NOT_ZERO",state="RESOLVED"}' in samples
    assert f"{open_ones} 0.0" in samples
