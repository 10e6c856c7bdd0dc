"""What follows a split payment goes by its legs: commissions, beneficiaries that nobody named, and settlements."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from psycopg import errors

from deploy.demo.messages import Message
from ledger_core.store.verify import verify
from schemas.sql.runner import migrations
from tests.support.postings import CHART, Scene, captured, event, outcomes, void_requested
from tests.support.story_books import StoryBooks, story_books

pytestmark = pytest.mark.postgres

ORDER, S1, S2, PLATFORM = "o", "wallet:seller:1", "wallet:seller:2", "control:UNALLOCATED_SALES"
CLEARING, FEES, CASH = "clearing:processor:EUR", "revenue:commission:EUR", "cash:bank:EUR"
SETTLING, RESERVE, SUSPENSE = "clearing:settlements:EUR", "reserve:chargebacks:EUR", "suspense:orders:EUR"
WITHOUT_SUSPENSE = [one for one in CHART["controls"] if one["role"] != "ORDER_SUSPENSE"]  # type: ignore[attr-defined]
Shares = Mapping[str, int]
HALVES, THREE_TO_ONE = {S1: 500, S2: 500}, {S1: 750, S2: 250}


@pytest.fixture(scope="module")
def books(postgres_server: str) -> Iterator[StoryBooks]:
    with story_books(postgres_server) as books:
        yield books


def named(shares: Shares, bps: int | None = None) -> dict[str, Any]:
    rate = {} if bps is None else {"commission_bps": bps}
    told = [{"account": account, "amount_minor": str(minor), **rate} for account, minor in shares.items()]
    return {"beneficiaries": told} if told else {}


def told(event_type: str, event_id: str, minor: int = 0, **data: object) -> Message:
    body: dict[str, object] = {"payment_id": ORDER, **data}
    if minor:
        body |= {"amount_minor": str(minor), "currency": "EUR"}
    return event(f"{event_type}.v1", ORDER, event_id, body)


def bought(shares: Shares, event_id: str = "bought", **data: object) -> Message:
    return told("payment.captured", event_id, sum(shares.values()), method="card", **named(shares), **data)


def back(minor: int, refund: str = "r", shares: Shares | None = None, bps: int | None = None) -> Message:
    """A refund; who bears it is not said unless shares are."""
    return told("payment.refunded", refund, minor, refund_id=refund, **named(shares or {}, bps))


def kept(minor: int, refund: str, shares: Shares) -> list[Message]:
    """A refund of which the platform keeps its commission."""
    return [
        told("refund.requested", f"{refund}-1", minor, refund_id=refund),
        told("refund.approved", f"{refund}-2", refund_id=refund),
        told("refund.completed", f"{refund}-3", minor, refund_id=refund, platform_fee="kept", **named(shares)),
    ]


def disputed(minor: int, shares: Shares | None = None, dispute: str = "d") -> Message:
    return told("chargeback.opened", f"{dispute}-opened", minor, chargeback_id=dispute, **named(shares or {}))


def ended(how: str, minor: int, dispute: str = "d") -> Message:
    return told(f"chargeback.{how}", f"{dispute}-{how}", minor, chargeback_id=dispute)


def settled(minor: int, settlement: str = "s", fee: int = 0) -> Message:
    fees = {"fee_minor": str(fee)} if fee else {}
    return told("settlement.confirmed", settlement, minor, settlement_id=settlement, **fees)


def final(minor: int, settlement: str = "s") -> Message:
    return told("settlement.finality_confirmed", f"{settlement}-final", minor, settlement_id=settlement)


def failed(settlement: str = "s", which: str = "failed") -> Message:
    return told(f"settlement.{which}", f"{settlement}-{which}", settlement_id=settlement, failure_reason="no")


Row = tuple[str, list[Message], str, dict[str, int]]
"""What happens after the capture, what is said of each event (P: posted, R: recorded), and what stands then."""
IN_ESCROW: list[Row] = [
    ("three thirds give back all of the commission, the last what rounding left",
     [back(333, "1", {S1: 333}), back(333, "2", {S1: 333}), back(334, "3", {S1: 334})], "PPP",
     {CLEARING: 0, S1: 0, FEES: 0}),
    ("a third gives back a third, rounded down", [back(333, "1", {S1: 333})], "P", {S1: -970 + 324, FEES: -21}),
    ("a rate that the refund names is taken at its word", [back(500, "1", {S1: 500}, 100)], "P", {FEES: -25}),
    ("but not beyond what was taken", [back(500, "1", {S1: 500}, 620)], "REFUND_EXCEEDS_CAPTURED", {FEES: -30}),
    ("who got nothing of it gave no commission", [back(500, "1", {S2: 500})], "P", {S2: 500, FEES: -30}),
    ("nor can it be given back", [back(500, "1", {S2: 500}, 20)], "REFUND_EXCEEDS_CAPTURED", {S2: 0}),
    ("what is kept of a refund is not given back by the next",
     [*kept(500, "1", {S1: 500}), back(500, "2")], "RRPP", {CLEARING: 0, FEES: -15, S1: 15}),
    ("a refund taken back counts as never made",
     [back(400, "1"), void_requested(ORDER, of="1"), back(1000, "2")], "PPP", {CLEARING: 0, S1: 0, FEES: 0}),
    ("a dispute that is won counts as never opened", [disputed(400), ended("won", 400), back(1000)], "PPP",
     {CLEARING: 0, S1: 0, FEES: 0, RESERVE: 0}),
    ("a dispute that is lost has its part of the commission", [disputed(333), ended("lost", 333), back(667)], "PPP",
     {CLEARING: 0, S1: 0, FEES: 0, RESERVE: 0}),
    ("a dispute may name who bears it, and no rate", [disputed(500, {S1: 500})], "P",
     {S1: -970 + 485, FEES: -15, RESERVE: -500}),
]  # fmt: skip
NOBODY_NAMED: list[Row] = [
    ("a refund is everybody's in proportion", [back(100)], "P",
     {S1: -728 + 73, S2: -243 + 25, FEES: -29 + 2, SUSPENSE: 0}),
    ("the unit that is left goes to whom it was taken from most", [back(3)], "P", {S1: -728 + 2, S2: -243 + 1}),
    ("what is left of a leg counts", [back(700, "1", {S1: 700}), back(100, "2")], "PP",
     {CLEARING: 200, S1: -728 + 680 + 17, SUSPENSE: 0}),
    ("and all of it comes to nothing", [back(1, "1"), back(998, "2"), back(1, "3")], "PPP",
     {CLEARING: 0, S1: 0, S2: 0, FEES: 0}),
]  # fmt: skip
OUTCOME = {"P": "POSTED", "R": "RECORDED"}


def play(books: StoryBooks, book: str, messages: list[Message], said: str, *, one_by_one: bool) -> None:
    wanted = [said] if "_" in said else [OUTCOME[letter] for letter in said]
    first, *rest = books.play(book, *messages, one_by_one=one_by_one)
    assert (first, rest) == ("POSTED", wanted)


@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
@pytest.mark.parametrize(
    ("messages", "said", "left"), [row[1:] for row in IN_ESCROW], ids=[row[0] for row in IN_ESCROW]
)
def test_a_leg_gives_back_the_commission_that_was_taken_on_it(
    books: StoryBooks, messages: list[Message], said: str, left: Mapping[str, int], one_by_one: bool
) -> None:
    book = books.new(marketplace={})
    play(books, book, [bought({S1: 1000}), *messages], said, one_by_one=one_by_one)
    assert books.balances_minor(book, left) == left


@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
@pytest.mark.parametrize(
    ("messages", "said", "left"), [row[1:] for row in NOBODY_NAMED], ids=[row[0] for row in NOBODY_NAMED]
)
def test_who_is_not_named_bears_by_the_legs(
    books: StoryBooks, messages: list[Message], said: str, left: Mapping[str, int], one_by_one: bool
) -> None:
    book = books.new(marketplace={})
    play(books, book, [bought(THREE_TO_ONE), *messages], said, one_by_one=one_by_one)
    assert books.balances_minor(book, left) == left


ACCOUNTS = """
SELECT account.code FROM ledger.account JOIN ledger.book USING (book_id) WHERE book.code = %s ORDER BY account.code"""


@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
def test_what_follows_a_split_payment_opens_no_account_of_the_platform_s_that_it_does_not_move(
    books: StoryBooks, one_by_one: bool
) -> None:
    book = books.new(marketplace={"commission_bps": 0})
    too_much = [back(1001), disputed(1001)]
    assert books.play(book, bought({S1: 1000}), *too_much, back(400, "2"), one_by_one=one_by_one) == [
        "POSTED", "REFUND_EXCEEDS_CAPTURED", "CHARGEBACK_EXCEEDS_CAPTURED", "POSTED",
    ]  # fmt: skip
    assert [row[0] for row in books.scene.rows(ACCOUNTS, book)] == [CLEARING, S1]
    assert books.play(book, disputed(100, dispute="d2"), one_by_one=True) == ["POSTED"]
    assert [row[0] for row in books.scene.rows(ACCOUNTS, book)] == [CLEARING, RESERVE, S1]


def test_no_account_for_what_nobody_gets_is_needed_where_legs_say_who_does(books: StoryBooks) -> None:
    book = books.new(marketplace={}, controls=WITHOUT_SUSPENSE)
    assert books.play(book, bought({S1: 1000}), back(400), disputed(100), one_by_one=True) == ["POSTED"] * 3
    assert books.balances_minor(book, {S1: 0}) == {S1: -970 + 388 + 97}


def test_a_seller_that_nobody_named_covers_its_part_too(books: StoryBooks) -> None:
    book = books.new(marketplace={}, payments={"refund_cover": "available"})
    out = event("payout.paid.v1", "w", "w", {
        "payout_id": "w", "account": S2, "amount_minor": "243", "currency": "EUR",
    })  # fmt: skip
    said = books.play(book, bought(THREE_TO_ONE), out, back(100), one_by_one=True)
    assert said == ["POSTED", "POSTED", "SELLER_BALANCE_INSUFFICIENT"]


@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
def test_where_refunds_are_covered_who_is_named_bears_no_more_than_what_is_left_of_its_part(
    books: StoryBooks, one_by_one: bool
) -> None:
    book = books.new(marketplace={}, payments={"refund_cover": "available"})
    other = event("payment.captured.v1", "other", "other", {
        "payment_id": "other", "amount_minor": "1000", "currency": "EUR", "method": "card",
        "beneficiaries": [{"account": "wallet:seller:stranger", "amount_minor": "1000"}],
    })  # fmt: skip
    messages = [
        other, bought({S1: 600, S2: 400}), back(10, "1", {"wallet:seller:stranger": 10}),
        back(300, "2", {S2: 300}), back(101, "3", {S2: 101}), back(100, "4", {S2: 100}),
        back(50, "5", {"control:PLATFORM_FEES": 50}),
    ]  # fmt: skip
    beyond = "REFUND_EXCEEDS_CAPTURED"
    assert books.play(book, *messages, one_by_one=one_by_one) == [
        "POSTED", "POSTED", beyond, "POSTED", beyond, "POSTED", "POSTED"
    ]  # fmt: skip


def test_commission_follows_the_capture_whatever_the_chart_says_now(scene: Scene) -> None:
    scene.apply_chart({**CHART, "marketplace": {"commission_bps": 300}})
    assert outcomes(scene.post(bought({S1: 1000}))) == ["POSTED"]
    scene.apply_chart({**CHART, "marketplace": {"commission_bps": 500}})
    assert outcomes(scene.post(back(400, "1", {S1: 400}), disputed(100, {S1: 100}))) == ["POSTED", "POSTED"]
    assert scene.balance_minor(FEES) == -30 + 12 + 3
    scene.apply_chart(CHART)
    assert outcomes(scene.post(back(500, "2", {S1: 500}))) == ["POSTED"], "also where it is no marketplace any more"
    assert scene.balance_minor(FEES) == 0
    scene.assert_whole()


def test_a_capture_stays_while_more_went_back_of_a_leg_than_the_others_paid_in(books: StoryBooks) -> None:
    book = books.new(marketplace={})
    first, second = bought({S1: 500}, "first"), bought({S2: 500}, "second")
    messages = [
        first,
        second,
        back(100, "1", {S1: 100}),
        void_requested(ORDER, of="first"),
        void_requested(ORDER, of="second"),
    ]
    assert books.play(book, *messages, one_by_one=True) == ["POSTED"] * 3 + ["VOID_AFTER_REFUND", "POSTED"]
    assert books.balances_minor(book, {S2: 0, S1: 0}) == {S2: 0, S1: -485 + 97}


# Settlements --------------------------------------------------------------------------------------

DIRECT: list[Row] = [
    ("a settlement brings the commission, and no more", [settled(1000, fee=9), final(991)], "PP",
     {CLEARING: 0, SETTLING: 0, CASH: 30}),
    ("in parts, the last of which brings the rest", [settled(333, "1"), settled(333, "2"), settled(334, "3")], "PPP",
     {CLEARING: 0, SETTLING: 30}),
    ("one that fails takes it back", [settled(600), failed(), settled(1000, "2")], "PPP", {CLEARING: 0, SETTLING: 30}),
    ("also when it was not final", [settled(600), failed(which="finality_failed")], "PP", {CLEARING: 30, SETTLING: 0}),
    ("whatever fails between the parts", [settled(333, "1"), settled(333, "2"), failed("1"), settled(667, "3")],
     "PPPP", {CLEARING: 0, SETTLING: 30}),
    ("what was given back before is not brought", [back(500), settled(1000), final(1000)], "PPP",
     {CLEARING: 0, SETTLING: 0, CASH: 15}),
    ("what was kept of it is", [*kept(500, "1", {S1: 500}), settled(1000), final(1000)], "RRRPP",
     {CLEARING: 0, CASH: 30}),
    ("nothing is brought of what was given back whole", [back(1000), settled(1000), final(1000)], "PRR",
     {CLEARING: 0, CASH: 0}),
    ("a dispute takes none of it", [disputed(400), ended("lost", 400), settled(1000)], "RRP",
     {CLEARING: 0, SETTLING: 30}),
    ("no more is settled than was captured", [settled(1001)], "SETTLEMENT_EXCEEDS_CAPTURED", {CLEARING: 30}),
]  # fmt: skip


@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
@pytest.mark.parametrize(("messages", "said", "left"), [row[1:] for row in DIRECT], ids=[row[0] for row in DIRECT])
def test_in_direct_custody_a_settlement_brings_the_platform_its_commission(
    books: StoryBooks, messages: list[Message], said: str, left: Mapping[str, int], one_by_one: bool
) -> None:
    book = books.new(marketplace={"custody": "direct"})
    play(books, book, [bought({S1: 1000}), *messages], said, one_by_one=one_by_one)
    assert books.balances_minor(book, left) == left
    assert books.balances_minor(book, {S1: 0}) == {S1: 0}


ON_DELIVERY: dict[str, object] = {
    "method": "cash_on_delivery", "confirmed_by": "courier-12", "confirmed_at": "2026-11-21T08:00:00Z",
}  # fmt: skip
WALLET = "wallet:buyer:1"
WITH_PROCESSOR: list[tuple[str, list[Message], list[str], int]] = [
    ("cash that a courier collected is not there to settle",
     [told("payment.captured", "cod", 100, **ON_DELIVERY), settled(100)], ["SETTLEMENT_EXCEEDS_CAPTURED"], 0),
    ("nor what a wallet paid", [captured(ORDER, payer=WALLET), settled(100)], ["SETTLEMENT_EXCEEDS_CAPTURED"], 0),
    ("of both what came by the processor", [
        told("payment.captured", "cod", 100, **ON_DELIVERY), captured(ORDER, 50, event_id="card"), settled(51, "1"),
        settled(50, "2"), settled(1, "3"),
    ], ["POSTED", "SETTLEMENT_EXCEEDS_CAPTURED", "POSTED", "SETTLEMENT_EXCEEDS_CAPTURED"], 0),
    ("nor what was taken back by request", [
        captured(ORDER, 50, event_id="one"), captured(ORDER, 50, event_id="two"), void_requested(ORDER, of="one"),
        settled(51, "1"), settled(50, "2"),
    ], ["POSTED", "POSTED", "SETTLEMENT_EXCEEDS_CAPTURED", "POSTED"], 0),
    ("one that comes before its capture waits, and settles no more than was captured",
     [settled(60, "1"), settled(60, "2"), captured(ORDER, 100)], ["REJECTED", "POSTED"], 40),
]  # fmt: skip


@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
@pytest.mark.parametrize(
    ("messages", "said", "left"), [row[1:] for row in WITH_PROCESSOR], ids=[row[0] for row in WITH_PROCESSOR]
)
def test_only_what_the_processor_captured_is_settled(
    books: StoryBooks, messages: list[Message], said: list[str], left: int, one_by_one: bool
) -> None:
    book = books.new()
    assert books.play(book, *messages, one_by_one=one_by_one) == ["POSTED", *said]
    assert books.balances_minor(book, {CLEARING: left}) == {CLEARING: left}


LEGS = "SELECT part_id, amount_minor, used_minor FROM ledger.subject_part WHERE kind = 'leg' ORDER BY 1"


# What is kept of it -------------------------------------------------------------------------------

KINDS = ("leg", "leg_back", "kept", "commission")


def test_verify_finds_legs_that_the_log_does_not_tell(scene: Scene) -> None:
    scene.apply_chart({**CHART, "marketplace": {"custody": "direct"}})
    said = outcomes(scene.post(bought({S1: 1000}), *kept(200, "1", {S1: 200}), back(300, "2"), settled(500)))
    assert said == ["POSTED", "RECORDED", "RECORDED", "RECORDED", "POSTED", "POSTED"]
    scene.assert_whole()
    planted = [("subject_part", f"amount_minor = amount_minor {{}} 1 WHERE kind = '{kind}'") for kind in KINDS]
    for table, change in [*planted, ("subject", "marks = marks {} -128 WHERE order_key = 'o'")]:
        scene.tamper(f"UPDATE ledger.{table} SET {change.format('+')}")
        assert [check.name for check in verify(scene.dsn).checks if not check.ok] == ["parts"], change
        scene.tamper(f"UPDATE ledger.{table} SET {change.format('-')}")


def test_legs_that_were_split_before_they_were_kept_are_kept_by_the_upgrade(scene: Scene) -> None:
    (backfill,) = [one.text for one in migrations() if one.name == "legs"]
    scene.apply_chart({**CHART, "marketplace": {}})
    scene.post(bought(THREE_TO_ONE, "first"), bought({S2: 100}, "second"), void_requested(ORDER, of="second"))
    kept_before = scene.rows(LEGS)
    assert kept_before == [(S1, 750, 22), (S2, 250, 7)]
    scene.tamper("DELETE FROM ledger.subject_part")
    scene.change("UPDATE ledger.subject SET marks = 0")
    scene.change("WITH split AS" + backfill.partition("WITH split AS")[2].rpartition("RESET ROLE")[0])
    assert scene.rows(LEGS) == kept_before


def test_the_database_refuses_a_leg_that_gives_back_more_commission_than_it_paid(books: StoryBooks) -> None:
    books.play(books.new(marketplace={}), bought({S1: 1000}), back(500), one_by_one=True)
    with pytest.raises(errors.CheckViolation, match="LEG_REFUSED"):
        books.scene.change("UPDATE ledger.subject_part SET used_minor = amount_minor WHERE kind = 'leg_back'")
