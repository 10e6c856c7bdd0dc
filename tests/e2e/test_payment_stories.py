"""Payment stories from the topic to the API: a book that asks a lot of payments, a marketplace, one run of all."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from consumers.bootstrap import database_decoder
from consumers.settings import PAYMENTS_TOPIC
from consumers.transport.ports import Outgoing
from consumers.transport.postgres_log import PostgresLogSink
from deploy.demo.messages import Message, Producer
from ledger_core.store.books import Books
from ledger_core.store.overdue import Overdue
from schemas.charts import load_chart
from tests.e2e.test_processes import running, until_logged
from tests.support.api import client_of
from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.facilitator_stories import FACILITATOR
from tests.support.facilitator_stories import STORIES as OF_FACILITATOR
from tests.support.market_stories import BAZAAR, MARKET, OF_BAZAAR, THEN, Story
from tests.support.market_stories import STORIES as OF_MARKET
from tests.support.shop import reading_pool
from tests.support.story_views import demand_retry_safety, demand_views, demand_words
from tests.support.visible import unseen_in

pytestmark = pytest.mark.postgres

BOOK, SOURCE = "shop", "/shop/payments"
GATES = {
    "monitoring": "required", "approvals": 2,
    "sweeps": [{"name": "daily", "currency": "EUR", "from": "wallet:seller:swept", "to": "control:CASH",
                "keep_minor": "30"}],
}  # fmt: skip
ASKS = {"captures": "once", "void_window_minutes": 60, "refund_cover": "available"}
CONFIRMED: dict[str, Any] = {"confirmed_by": "courier-12", "confirmed_at": "2026-11-21T08:00:00Z"}
DRAWER, CASH = "cash:drawer:7", {"account": "control:CASH"}


def told(kind: str, key: str, event_id: str = "", *, minute: int = 0, **data: object) -> Message:
    moment = f"2026-11-21T{8 + minute // 60:02}:{minute % 60:02}:00Z"
    return Producer(BOOK, SOURCE).event(f"{kind}.v1", event_id or f"{kind}-{key}", key, moment, data)


def payment(which: str, key: str, event_id: str = "", *, minute: int = 0, **data: object) -> Message:
    """With what captures, intents and authorisations need; the seller is named like the payment."""
    more: dict[str, object] = {}
    if which in ("intent_created", "authorized", "captured"):
        more = {"amount_minor": "100", "currency": "EUR", "method": "card"}
    if which == "captured":
        more["beneficiaries"] = [{"account": f"wallet:seller:{key}", "amount_minor": "100", "commission_bps": 1000}]
    return told(f"payment.{which}", key, event_id, minute=minute, **{"payment_id": key, **more, **data})


def refund(key: str, minor: int) -> Message:
    share = {"account": f"wallet:seller:{key}", "amount_minor": str(minor)}
    return payment(
        "refunded", key, refund_id=f"r-{key}", amount_minor=str(minor), currency="EUR", beneficiaries=[share]
    )


QUOTE = {"rate": "6.185", "base": "EUR", "counter": "BRL", "provider": "bank", "source": "desk quote 17",
         "quoted_at": "2026-11-21T07:59:00Z"}  # fmt: skip


def share(key: str, minor: int) -> dict[str, object]:
    return {"account": f"wallet:seller:{key}", "amount_minor": str(minor), "commission_bps": 1000}


def back(key: str, minor: int, credited: int) -> Message:
    """A refund of a payment across currencies, and what the seller got of that."""
    return payment(
        "refunded", key, f"back-{minor}", refund_id=f"back-{minor}", amount_minor=str(minor), currency="EUR",
        exchange={"currency": "BRL"}, beneficiaries=[share(key, credited)],
    )  # fmt: skip


def rate(text: str, at: str, event_id: str = "") -> Message:
    return told(
        "fx.rate_published", "EUR/BRL", event_id or f"rate-{text}", base="EUR", counter="BRL", provider="ecb",
        source="s", rate=text, published_at=at,
    )  # fmt: skip


def part(key: str, event_id: str, minor: int) -> Message:
    more: dict[str, Any] = {"payment_id": event_id, "amount_minor": str(minor), "partial": True, "beneficiaries": []}
    return payment("captured", key, event_id, **more)


def cash(which: str, event_id: str, minor: int, **more: object) -> Message:
    data: dict[str, Any] = {
        "account": DRAWER,
        "against": "wallet:buyer:1",
        "amount_minor": str(minor),
        "currency": "EUR",
        **more,
    }
    return told(f"cash.{which}", DRAWER, event_id, **data)


def count(which: str, minor: int, **more: object) -> Message:
    data: dict[str, Any] = {
        "account": DRAWER,
        "counted_minor": str(minor),
        "currency": "EUR",
        f"{which}_by": "anna",
        **more,
    }
    return told(f"drawer.{which}", DRAWER, **data)


def transfer(which: str, key: str, event_id: str = "", **data: object) -> Message:
    """Of a transfer of 80, in one deposit."""
    more: dict[str, object] = {}
    if which in ("requested", "inflow.received", "settled"):
        more = {"amount_minor": "80", "currency": "EUR"}
    if which.startswith("inflow."):
        more["inflow_id"] = "deposit-1"
    if which == "settled":
        more["to"] = f"wallet:seller:{key}"
    return told(f"transfer.{which}", key, event_id, minute=0, **{"transfer_id": key, **more, **data})


def funded(key: str) -> list[Message]:
    return [transfer("requested", key), transfer("inflow.received", key)]


def approved(key: str, by: str) -> Message:
    return transfer("approved", key, f"{by} approved {key}", approved_by=by)


NIGHT = {"account": "wallet:seller:hotel", "amount_minor": "30"}
STORIES: Mapping[str, Story] = {
    "cash on delivery": Story(
        [payment("intent_created", "cod", method="cash_on_delivery"),
         payment("captured", "cod", method="cash_on_delivery", **CONFIRMED)],
        ["RECORDED", "POSTED"],
        {"cash:delivery:EUR": 100, "wallet:seller:cod": -90}, {"cod": 100},
    ),
    "a day at the cash desk, ending short": Story(
        [count("opened", 200, brought={**CASH, "amount_minor": "200"}),
         cash("received", "sold", 75, receipt_id="sold"),
         cash("refunded", "back", 25, refund_id="back", signed_off_by=["anna", "ben"]),
         cash("refunded", "alone", 25, refund_id="alone", signed_off_by=["anna", "anna"]),
         count("closed", 245, taken={**CASH, "amount_minor": "45"})],
        ["POSTED", "POSTED", "POSTED", "SIGN_OFFS_NOT_DISTINCT", "POSTED"],
        {DRAWER: 200, "wallet:buyer:1": -50, "expense:over-short:EUR": 5, "cash:bank:EUR": -155 - 95 - 60}, {},
    ),
    "a payment that has just begun": Story([payment("intent_created", "begun")], ["RECORDED"], {}, {"begun": 0}),
    "captures in parts, and once": Story(
        [part("parts", "early", 40), payment("authorized", "parts"), part("parts", "second", 60),
         payment("captured", "parts", "whole")],
        ["POSTED", "RECORDED", "POSTED", "PAYMENT_CAPTURED"], {}, {"parts": 100},
    ),
    "voids in their window and after it": Story(
        [payment("intent_created", "in-time"), payment("captured", "in-time"),
         payment("voided", "in-time", minute=60),
         payment("intent_created", "too-late"), payment("captured", "too-late"),
         payment("voided", "too-late", minute=61)],
        ["RECORDED", "POSTED", "POSTED", "RECORDED", "POSTED", "VOID_WINDOW_PASSED"],
        {"wallet:seller:in-time": 0, "wallet:seller:too-late": -90}, {"too-late": 100},
    ),
    "a refund that the seller can't bear": Story(
        [payment("intent_created", "spent"), payment("captured", "spent"),
         told("payout.paid", "w", account="wallet:seller:spent", amount_minor="50", currency="EUR", payout_id="w"),
         refund("spent", 41)],
        ["RECORDED", "POSTED", "POSTED", "SELLER_BALANCE_INSUFFICIENT"],
        {"wallet:seller:spent": -40}, {"spent": 100},
    ),
    "and one that another can": Story(
        [payment("intent_created", "saved"), payment("captured", "saved"),
         told("payout.paid", "v", account="wallet:seller:saved", amount_minor="45", currency="EUR", payout_id="v"),
         refund("saved", 45)],
        ["RECORDED", "POSTED", "POSTED", "POSTED"], {"wallet:seller:saved": 0}, {"saved": 100},
    ),
    "paid in euros, credited in reais": Story(
        [rate("6.2", "2026-11-21T08:00:00Z"), rate("6.1", "2026-11-20T08:00:00Z"),
         rate("6.3", "2026-11-21T08:00:00Z", "rate-again"),
         payment("intent_created", "abroad"),
         payment("captured", "abroad", exchange={"amount_minor": "619", "currency": "BRL", "quote": QUOTE},
                 beneficiaries=[share("abroad", 619)]),
         back("abroad", 33, 204), back("abroad", 68, 415), back("abroad", 67, 415)],
        ["RECORDED", "RECORDED", "FX_RATE_CONFLICT", "RECORDED", "POSTED", "POSTED", "REFUND_EXCEEDS_CAPTURED",
         "POSTED"],
        {"trading:EUR": 0, "trading:BRL": 0, "wallet:seller:abroad": 0, "revenue:commission:BRL": 0}, {"abroad": 100},
    ),
    "a guest who does not come": Story(
        [told("reservation.held", "stay", reservation_id="stay", account="wallet:buyer:2", amount_minor="90",
              currency="EUR"),
         told("reservation.confirmed", "stay", reservation_id="stay"),
         told("reservation.no_show", "stay", reservation_id="stay", first_night=[NIGHT])],
        ["RECORDED", "RECORDED", "POSTED"], {"wallet:buyer:2": 30, "wallet:seller:hotel": -30}, {},
    ),
    "a guest who calls off": Story(
        [told("reservation.held", "off", reservation_id="off", account="wallet:buyer:2", amount_minor="90",
              currency="EUR"),
         told("reservation.cancelled", "off", reservation_id="off")],
        ["RECORDED", "RECORDED"], {}, {}, {"holds/off": {"status": "RELEASED"}},
    ),
    "a card on file": Story(
        [told("payment_method.tokenized", "card", payment_method_id="card", method="card", last_four="4242"),
         told("payment_method.detached", "card", payment_method_id="card")],
        ["RECORDED", "RECORDED"], {}, {},
    ),
    "a transfer that settles once its gates are open": Story(
        [*funded("moved"), transfer("settled", "moved"), approved("moved", "anna"),
         transfer("monitoring.passed", "moved"), approved("moved", "ben")],
        ["RECORDED", "POSTED", "POSTED", "RECORDED", "RECORDED", "RECORDED"],
        {"wallet:seller:moved": -80}, {},
    ),
    "a transfer that waits": Story(
        [*funded("waits"), transfer("monitoring.passed", "waits"), approved("waits", "anna"),
         transfer("settled", "waits")],
        ["RECORDED", "POSTED", "RECORDED", "RECORDED", "TRANSFER_GATE_CLOSED"], {}, {},
    ),
    "a transfer that is looked at by hand, settles, and is taken back": Story(
        [transfer("requested", "back"), transfer("inflow.announced", "back", amount_minor="80", currency="EUR"),
         transfer("inflow.received", "back"), transfer("review.opened", "back", opened_by="anna"),
         transfer("monitoring.flagged", "back"), transfer("settled", "back"), transfer("monitoring.passed", "back"),
         approved("back", "anna"), approved("back", "ben"), transfer("review.cleared", "back", cleared_by="ben"),
         told("transaction.compensated", "back", transfer_id="back", reason="recalled"),
         transfer("inflow.compensated", "back", reason="recalled")],
        ["RECORDED", "RECORDED", "POSTED", "RECORDED", "RECORDED", "POSTED", "RECORDED", "RECORDED", "RECORDED",
         "RECORDED", "POSTED", "POSTED"],
        {"wallet:seller:back": 0}, {}, {"transfers/back": {"state": "COMPENSATED"}},
    ),
    "a transfer that fails": Story(
        [transfer("requested", "fails"), transfer("failed", "fails", failure_reason="no_luck")],
        ["RECORDED", "RECORDED"], {}, {}, {"transfers/fails": {"state": "FAILED"}},
    ),
    "a customer who is verified": Story(
        [told("verification.changed", "customer-1", customer="customer-1", status="VERIFIED")], ["RECORDED"],
    ),
    "a wallet that is swept down to what it keeps": Story(
        [payment("intent_created", "swept"), payment("captured", "swept"),
         told("sweep.requested", "sweep-1", sweep_id="sweep-1", rule="daily", currency="EUR")],
        ["RECORDED", "POSTED", "POSTED"], {"wallet:seller:swept": -30}, {"swept": 100},
    ),
    "a transfer that is blocked and goes back": Story(
        [*funded("blocked"), transfer("settled", "blocked"), transfer("monitoring.blocked", "blocked"),
         transfer("inflow.compensated", "blocked", reason="blocked")],
        ["RECORDED", "POSTED", "TRANSFER_BLOCKED", "RECORDED", "POSTED"], {}, {},
    ),
}  # fmt: skip


async def publish(dsn: str, messages: Sequence[Message]) -> None:
    sink = PostgresLogSink(dsn)
    await sink.start()
    try:
        await sink.send([Outgoing(PAYMENTS_TOPIC, m.key, m.value, m.headers, partition=0) for m in messages])
    finally:
        await sink.stop()


@pytest.fixture
def client(topics: TestDatabase, tmp_path: Path) -> Iterator[httpx.Client]:
    usual: dict[str, Any] = dict(load_chart())
    unpaid = [control for control in usual["controls"] if control["role"] != "PLATFORM_FEES"]
    members: Mapping[str, dict[str, object]] = {
        BOOK: {"payments": ASKS, "transfers": GATES, "exchange": {"max_age_minutes": 30}},
        MARKET: {"marketplace": {"require_profiles": True}},
        BAZAAR: {"marketplace": {}, "controls": unpaid},
    }
    for book, asked in members.items():
        chart = tmp_path / f"{book}.json"
        chart.write_text(json.dumps({**usual, **asked}))
        assert ledgerctl("book", "create", book, "--chart", str(chart)).code == 0
    assert ledgerctl("book", "create", FACILITATOR, "--chart", "payment-facilitator").code == 0
    with reading_pool(topics) as pool, client_of(pool, wait_seconds=20) as client:
        yield client


def positions_of(topics: TestDatabase, consumed: int) -> dict[str, int]:
    """The books' positions once so many events were consumed, and what has come true in that was healed."""
    decode = database_decoder(topics.dsn()).decode
    with psycopg.connect(topics.dsn(), autocommit=True) as connection:
        waiting = Overdue(connection, Books(connection), decode)
        while (
            connection.execute("SELECT next_offset FROM ledger.source_position").fetchall() != [(consumed,)]
            or waiting.come_true()
        ):
            time.sleep(0.02)  # other processes work meanwhile; nothing is decided by how long
        return dict(connection.execute("SELECT code, position FROM ledger.book").fetchall())


BOOKS: Mapping[str, Mapping[str, Story]] = {
    BOOK: STORIES, MARKET: OF_MARKET, BAZAAR: OF_BAZAAR, FACILITATOR: OF_FACILITATOR,
}  # fmt: skip
LAST: Mapping[str, Sequence[str]] = {
    BOOK: ("payments/cod", "transfers/moved"),
    MARKET: ("payments/undone", "payouts/w-back"),
    BAZAAR: ("payments/no-commission",),
    FACILITATOR: ("payments/whole", "transfers/wire"),
}
"""Questions to two read models: both answer as far as they have come."""


def test_each_story_is_told_by_the_api_as_it_was_sent_to_the_topic(topics: TestDatabase, client: httpx.Client) -> None:
    messages = [message for stories in BOOKS.values() for story in stories.values() for message in story.messages]
    asyncio.run(publish(topics.dsn(), messages))
    with running("consumers.bootstrap", "all", LEDGER_ALLOW_OWNER_LOGIN="true") as child:
        until_logged(child, "process.started")
        positions = positions_of(topics, len(messages))
        for book, paths in LAST.items():
            for path in paths:
                ask(client, path, book, min_position=positions[book])
    for book, stories in BOOKS.items():
        for name, story in stories.items():
            judge(client, book, name, story)
            assert unseen_in(client, book, story.messages) == [], name
    assert ask(client, "holds/stay")["status"] == "CAPTURED"
    assert ask(client, "payments/in-time")["state"] == "VOIDED"
    demand_views(topics.dsn())
    demand_words()
    demand_retry_safety(client)
    demand_transfers(client, positions[BOOK])
    assert_exchanged(client, positions[BOOK])


def assert_exchanged(client: httpx.Client, position: int) -> None:
    """The payment across currencies with its quote, and the latest rate, which an hour later is stale."""
    payment = ask(client, "payments/abroad")
    assert payment["state"] == "REFUNDED"
    amount = {"amount_minor": "619", "currency": "BRL", "scale": 2}
    assert payment["exchange"] == {"credited": amount, "credited_back": amount}
    captured = ask(client, "events", source=SOURCE, id="payment.captured-abroad")["revisions"][-1]
    quote = ask(client, f"vouchers/{captured['voucher_no']}")["quote"]
    assert quote == {**QUOTE, "age_seconds": 60, "stale": False}
    said = ask(client, "rates", min_position=position)
    assert said["max_age_minutes"] == 30
    assert [(one["rate"], one["stale"], one["publications"]) for one in said["rates"]] == [("6.2", True, 2)]
    shown = ledgerctl("rates", "--book", BOOK)
    assert (shown.code, "6.2" in shown.out, "stale" in shown.out) == (0, True, True)
    paid = ledgerctl("payment", "show", "abroad", "--book", BOOK).out
    assert "6.19 BRL" in paid


def demand_transfers(client: httpx.Client, position: int) -> None:
    """States by name, what waits and for what, pages; over HTTP and on the command line."""
    moved, waits, blocked = (
        ask(client, f"transfers/{key}", min_position=position) for key in ("moved", "waits", "blocked")
    )
    assert [one["state"] for one in (moved, waits, blocked)] == ["SETTLED", "FUNDED", "BLOCKED"]
    assert [one["waits"]["events"] for one in (moved, blocked)] == [[], []]
    assert [event["waits_for"] for event in waits["waits"]["events"]] == ["gate:approval:2:EUR:80"]
    assert (moved["approved_by"], waits["approved_by"]) == (["anna", "ben"], ["anna"])
    assert [deposit["state"] for deposit in (*moved["deposits"], *blocked["deposits"])] == ["RECEIVED", "COMPENSATED"]
    assert [event["outcome"] for event in moved["timeline"]][-1] == "POSTED"
    assert [one["transfer_id"] for one in ask(client, "transfers", state="FUNDED")["transfers"]] == ["waits"]
    first = ask(client, "transfers", limit=3)
    then = ask(client, "transfers", limit=3, cursor=first["next_cursor"])
    named = {one["transfer_id"] for one in (*first["transfers"], *then["transfers"])}
    assert named == {"moved", "waits", "blocked", "back", "fails"}
    shown = ledgerctl("--json", "transfer", "show", "waits", "--book", BOOK)
    assert (shown.code, shown.json["waits"]["events"][0]["waits_for"]) == (0, "gate:approval:2:EUR:80")
    assert "gate:approval:2:EUR:80" in ledgerctl("transfer", "show", "waits", "--book", BOOK).out
    assert "BLOCKED" in ledgerctl("transfer", "list", "--book", BOOK).out


def judge(client: httpx.Client, book: str, name: str, story: Story) -> None:
    said = [decisions_on(client, message, book) for message in story.messages]
    wanted = [outcome.split(THEN) for outcome in story.outcomes]
    assert [words[-len(path) :] for words, path in zip(said, wanted, strict=True)] == wanted, (name, said)
    assert {account: balance_minor(client, account, book) for account in story.balances} == story.balances, name
    assert {
        key: int(ask(client, f"payments/{key}", book)["captured"]["amount_minor"]) for key in story.captured
    } == story.captured, name
    for path, members in story.answers.items():
        answer = ask(client, path, book)
        assert {member: answer[member] for member in members} == members, name

    for path in story.absent:
        assert client.get(f"/v1/books/{book}/{path}").status_code == 404, path


def ask(client: httpx.Client, path: str, book: str = BOOK, **query: object) -> dict[str, Any]:
    answer = client.get(f"/v1/books/{book}/{path}", params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def decisions_on(client: httpx.Client, message: Message, book: str) -> list[str]:
    """Every one on an event, in order: its outcome, or the code where it was refused or waited."""
    event_id = dict(message.headers)["ce_id"].decode()
    decisions = ask(client, "events", book, source=SOURCE, id=event_id)["revisions"]
    return [str(one["code"] or one["outcome"]) for one in decisions]


def balance_minor(client: httpx.Client, account: str, book: str) -> int:
    balance = ask(client, f"accounts/{account}/balance", book)["balance"]
    return int(balance["amount_minor"]) * (-1 if balance["side"] == "credit" else 1)
