"""Cash through the store: on delivery, and in drawers that are counted; a row a story, ending in its balances."""

from collections.abc import Iterator, Mapping, Sequence

import orjson
import pytest
from psycopg import errors

from deploy.demo.messages import Message
from ledger_core.store.verify import verify
from schemas.sql.runner import migrations
from tests.support.databases import TestDatabase
from tests.support.postings import TIME, Scene, event, outcomes, void_requested
from tests.support.story_books import StoryBooks, story_books

pytestmark = pytest.mark.postgres

DRAWER, BUYER, BANK, OVER_SHORT = "cash:drawer:7", "wallet:buyer:9", "cash:bank:EUR", "expense:over-short:EUR"
ON_DELIVERY, SELLER, FEES = "cash:delivery:EUR", "wallet:seller:1", "revenue:commission:EUR"
P = "p-1"


def counted(
    which: str, minor: int, moved: int = 0, event_id: str = "", *, brought_from: str = "control:CASH"
) -> Message:
    """The drawer is opened or closed with this much in it; `moved` is brought or taken."""
    data: dict[str, object] = {"account": DRAWER, "counted_minor": str(minor), "currency": "EUR", f"{which}_by": "anna"}
    if moved:
        name = "brought" if which == "opened" else "taken"
        data[name] = {"account": brought_from, "amount_minor": str(moved)}
    return event(f"drawer.{which}.v1", DRAWER, event_id or which, data)


def cash(which: str, minor: int, event_id: str = "", **changes: object) -> Message:
    data: dict[str, object] = {
        "account": DRAWER, "against": BUYER, "amount_minor": str(minor), "currency": "EUR",
        **({"receipt_id": "r"} if which == "received" else {"refund_id": "r", "signed_off_by": ["anna", "ben"]}),
        **changes,
    }  # fmt: skip
    return event(f"cash.{which}.v1", DRAWER, event_id or which, data)


def intent(method: str = "cash_on_delivery") -> Message:
    data = {"payment_id": P, "amount_minor": "100", "currency": "EUR", "method": method}
    return event("payment.intent_created.v1", P, f"intent-{method}", data)


CONFIRMED = {"confirmed_by": "courier-12", "confirmed_at": "2026-11-21T08:00:00Z"}
GATEWAY = {"gateway_transaction_id": "ch_1", "gateway_response": "approved"}


def capture(method: str, **more: object) -> Message:
    share = {"account": SELLER, "amount_minor": "100", "commission_bps": 1000}
    data = {
        "payment_id": P, "amount_minor": "100", "currency": "EUR", "method": method, "beneficiaries": [share], **more
    }  # fmt: skip
    return event("payment.captured.v1", P, "captured", data)


def by_hand(side: str, **members: object) -> Message:
    """Five into the drawer, or out of it."""
    lines = [
        {"account": account, "side": side, "amount_minor": "5", "currency": "EUR"}
        for account, side in ((DRAWER, side), (BUYER, "debit" if side == "credit" else "credit"))
    ]
    data = {"kind": "adjustment", "adjustment": {"reason": "correction", "reference": "slip 7"}, "lines": lines}
    return event("voucher.requested.v1", "by-hand", "by-hand", {**data, **members})


SIGNED = ["anna", "ben"]


@pytest.fixture(scope="module")
def books(postgres_server: str) -> Iterator[StoryBooks]:
    with story_books(postgres_server) as books:
        yield books


STORIES: Sequence[tuple[str, Sequence[Message], Mapping[str, int]]] = [
    ("a day without a difference", [
        counted("opened", 200, 200), cash("received", 75), cash("refunded", 25), counted("closed", 250, 50),
    ], {DRAWER: 200, BUYER: -50, BANK: -150, OVER_SHORT: 0}),
    ("a day that ends short", [counted("opened", 200, 200), cash("received", 75), counted("closed", 270)],
     {DRAWER: 270, BANK: -200, OVER_SHORT: 5}),
    ("a day that ends over, and is taken to the bank whole", [
        counted("opened", 200, 200), cash("received", 75), counted("closed", 281, 281),
    ], {DRAWER: 0, BANK: 81, OVER_SHORT: -6}),
    ("what is missing in the morning", [
        counted("opened", 100, 100), counted("closed", 100), counted("opened", 90, event_id="next day"),
    ], {DRAWER: 90, OVER_SHORT: 10}),
    ("a payment on delivery", [intent(), capture("cash_on_delivery", **CONFIRMED)],
     {ON_DELIVERY: 100, SELLER: -90, FEES: -10}),
    ("a payment on delivery that goes back from the courier's cash", [
        capture("cash_on_delivery", **CONFIRMED),
        event("payment.refunded.v1", P, "refunded", {
            "payment_id": P, "refund_id": "r", "amount_minor": "100", "currency": "EUR",
            "payer": "control:CASH_ON_DELIVERY",
            "beneficiaries": [{"account": SELLER, "amount_minor": "100", "commission_bps": 1000}],
        }),
    ], {ON_DELIVERY: 0, SELLER: 0, FEES: 0}),
    ("what is prepaid", [capture("card", **GATEWAY)], {"clearing:processor:EUR": 100, SELLER: -90, FEES: -10}),
]  # fmt: skip


@pytest.mark.parametrize(("messages", "balances"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES])
@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
def test_a_story_comes_to_its_balances(
    books: StoryBooks, one_by_one: bool, messages: Sequence[Message], balances: Mapping[str, int]
) -> None:
    book = books.new()
    assert set(books.play(book, *messages, one_by_one=one_by_one)) <= {"POSTED", "RECORDED"}
    assert books.balances_minor(book, balances) == balances


def state_of(scene: Scene, book: str, event_id: str) -> dict[str, object]:
    (row,) = scene.rows(
        """SELECT state FROM ledger.event JOIN ledger.book USING (book_id)
        WHERE book.code = %s AND convert_from(state, 'UTF8')::jsonb ->> 'event_id' = %s""",
        book,
        event_id,
    )
    said: dict[str, object] = orjson.loads(row[0])
    return said


def test_a_count_says_what_was_counted_and_expected(books: StoryBooks) -> None:
    book = books.new()
    books.post(book, counted("opened", 0), cash("received", 75), counted("closed", 70))
    assert state_of(books.scene, book, "opened")["drawer"] == {
        "status": "OPEN", "counted_minor": "0", "expected_minor": "0",
    }  # fmt: skip
    assert state_of(books.scene, book, "closed")["drawer"] == {
        "status": "CLOSED", "counted_minor": "70", "expected_minor": "75", "short_minor": "5",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "proof", "order_status"), [("card", GATEWAY, "SHIPPED"), ("cash_on_delivery", CONFIRMED, "DELIVERED")]
)
def test_a_capture_says_where_its_order_is(
    books: StoryBooks, method: str, proof: Mapping[str, str], order_status: str
) -> None:
    book = books.new()
    books.post(book, capture(method, **proof))
    assert state_of(books.scene, book, "captured").items() >= {**proof, "order_status": order_status}.items()


@pytest.mark.parametrize(
    ("before", "message", "said"),
    [
        ([], capture("cash_on_delivery"), "DATA_INVALID"),
        ([], capture("cash_on_delivery", confirmed_by="courier-12"), "DATA_INVALID"),
        ([], capture("cash_on_delivery", **CONFIRMED, **GATEWAY), "DATA_INVALID"),
        ([], capture("cash_on_delivery", **CONFIRMED, payer=BUYER), "DATA_INVALID"),
        ([], capture("card", **CONFIRMED), "DATA_INVALID"),
        ([], capture("card", gateway_response="approved"), "DATA_INVALID"),
        ([], cash("refunded", 1, signed_off_by=["anna", "ANNA "]), "SIGN_OFFS_NOT_DISTINCT"),
        ([], cash("refunded", 1, signed_off_by=["anna"]), "DATA_INVALID"),
        ([], cash("received", 1), "PREDECESSOR_ABSENT"),
        ([], cash("received", 1, account="cash:drawer:8"), "DATA_INVALID"),
        ([], counted("closed", 0), "PREDECESSOR_ABSENT"),
        ([counted("opened", 0)], counted("opened", 0, event_id="again"), "DRAWER_OPEN"),
        ([counted("opened", 0), counted("closed", 0)], counted("closed", 0, event_id="again"), "DRAWER_CLOSED"),
        ([counted("opened", 0)], counted("closed", 5, 6), "DATA_INVALID"),
        ([counted("opened", 10)], cash("refunded", 11), "LIMIT_MINIMUM"),
        ([counted("opened", 10)], cash("received", 1, currency="USD"), "CURRENCY_MISMATCH"),
        ([counted("opened", 10)], cash("received", 1, against="cash:drawer:8"), "SIGN_OFFS_NOT_DISTINCT"),
        ([], counted("opened", 10, 10, brought_from="cash:drawer:8"), "SIGN_OFFS_NOT_DISTINCT"),
        ([counted("opened", 0), cash("received", 75)], void_requested(DRAWER, of="received"), "STEP_NOT_VOIDABLE"),
        ([counted("opened", 0), cash("received", 75), counted("closed", 75)], void_requested(DRAWER, of="received"),
         "STEP_NOT_VOIDABLE"),
        ([counted("opened", 10, 10), cash("refunded", 5)], void_requested(DRAWER, of="refunded"), "STEP_NOT_VOIDABLE"),
    ],
)  # fmt: skip
def test_what_can_not_be_right_is_refused_by_name(
    books: StoryBooks, before: Sequence[Message], message: Message, said: str
) -> None:
    book = books.new()
    assert set(books.play(book, *before, one_by_one=False)) <= {"POSTED", "RECORDED"}
    assert outcomes(books.post(book, message)) == [said]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (by_hand("credit"), "SIGN_OFFS_NOT_DISTINCT"),
        (by_hand("credit", signed_off_by=["anna", " ANNA"]), "SIGN_OFFS_NOT_DISTINCT"),
        (by_hand("credit", signed_off_by=SIGNED), "POSTED"),
        (by_hand("debit"), "POSTED"),
        (by_hand("debit", signed_off_by=["anna", "Anna "]), "SIGN_OFFS_NOT_DISTINCT"),
    ],
)
def test_two_sign_for_cash_that_leaves_a_drawer_by_hand(books: StoryBooks, message: Message, said: str) -> None:
    book = books.new()
    books.post(book, counted("opened", 10))
    assert outcomes(books.post(book, message)) == [said]
    if said == "POSTED":
        assert state_of(books.scene, book, "by-hand").get("signed_off_by", SIGNED) == SIGNED


def test_from_drawer_to_drawer_cash_goes_by_the_event_that_two_sign(books: StoryBooks) -> None:
    book = books.new()
    books.post(book, counted("opened", 10, 10))
    assert outcomes(books.post(book, cash("refunded", 4, against="cash:drawer:8"))) == ["POSTED"]
    balances = {DRAWER: 6, "cash:drawer:8": 4}
    assert books.balances_minor(book, balances) == balances


def test_nobody_takes_cash_out_of_a_drawer_by_taking_back_what_was_brought_by_hand(books: StoryBooks) -> None:
    brought, back = by_hand("debit"), void_requested("by-hand", of="by-hand")
    for messages in ([brought], [back]), ([brought, back],):  # a batch each, and one for both
        book = books.new()
        books.post(book, counted("opened", 10))
        said = [outcome for batch in messages for outcome in outcomes(books.post(book, *batch))]
        assert said == ["POSTED", "STEP_NOT_VOIDABLE"]
    assert outcomes(books.post(books.new(cash={}), brought, back)) == ["POSTED", "POSTED"]


def test_a_chart_without_drawers_asks_for_no_sign_offs(books: StoryBooks) -> None:
    book = books.new(cash={})
    books.post(book, counted("opened", 10))
    assert outcomes(books.post(book, by_hand("credit"))) == ["POSTED"]


def test_cash_that_comes_before_its_drawer_is_open_waits_for_it(books: StoryBooks) -> None:
    book = books.new()
    early = [cash("received", 75), counted("closed", 75)]
    assert [outcomes(books.post(book, message)) for message in early] == [["PREDECESSOR_ABSENT"], ["ORDER_KEY_PARKED"]]
    assert len(books.post(book, counted("opened", 0)).healed) == 2
    assert books.scene.balance_minor(DRAWER, book) == 75


def test_what_was_counted_of_a_drawer_stays_so_whoever_writes(books: StoryBooks) -> None:
    books.post(books.new(), counted("opened", 0))
    for change in ("amount_minor = 0", "amount_minor = 3"):
        with pytest.raises(errors.CheckViolation):
            books.scene.change(f"UPDATE ledger.subject_part SET {change} WHERE kind = 'drawer'")


FAILED = event("payment.capture_failed.v1", P, "failed", {"payment_id": P, "failure_reason": "no_luck"})
NEVER = "2020-01-01T00:00:00.000000Z"
PLANTED = [
    ("drawer", "used_minor = 1", "used_minor = 0", [counted("opened", 0)], f"drawer  of order key {DRAWER}"),
    ("delivery", "amount_minor = 7", "amount_minor = 1", [intent()], f"delivery  of order key {P}"),
    ("attempt", f"part_id = '{NEVER}'", f"part_id = '{TIME}'", [FAILED], f"attempt {NEVER} of order key {P}"),
]  # fmt: skip
"""A kind of part, what changes it and what undoes that, the events that it counts, and what `verify` says of it."""


def test_verify_finds_counts_that_the_log_does_not_tell(database: TestDatabase) -> None:
    with Scene(database.dsn()) as scene:
        scene.post(*(message for row in PLANTED for message in row[3]))
        scene.assert_whole()
        scene.change("SET session_replication_role = replica")
        for kind, change, undo, _, named in PLANTED:
            scene.change(f"UPDATE ledger.subject_part SET {change} WHERE kind = %s", kind)
            bad = {check.name: check.first_bad for check in verify(database.dsn()).checks if not check.ok}
            assert set(bad) == {"parts"}
            assert named in bad["parts"]
            scene.change(f"UPDATE ledger.subject_part SET {undo} WHERE kind = %s", kind)
        scene.assert_whole()


def test_what_was_told_before_it_was_counted_is_counted_by_the_upgrade(database: TestDatabase) -> None:
    (backfill,) = [one.text for one in migrations() if one.name == "parts_counted_before"]
    again = event("payment.capture_failed.v1", P, "again", {"payment_id": P, "failure_reason": "no_luck"})
    with Scene(database.dsn()) as scene:
        scene.post(intent(), intent("card"), FAILED)
        scene.tamper("DELETE FROM ledger.subject_part")
        scene.post(again)
        assert not all(check.ok for check in verify(database.dsn()).checks)
        for _ in range(2):
            scene.change(backfill)
            assert scene.rows("SELECT kind, amount_minor FROM ledger.subject_part ORDER BY 1") == [
                ("attempt", 2), ("delivery", 1),
            ]  # fmt: skip
            scene.assert_whole()
