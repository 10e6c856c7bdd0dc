"""Marketplaces through the store: splits, profiles that they wait for, and what follows in either custody."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from psycopg import errors

from deploy.demo.messages import Message
from projections.beneficiaries.fold import BeneficiaryRows, fold_beneficiaries
from projections.events import LedgerEvent
from tests.support.postings import (
    BOOK,
    CHART,
    Gate,
    Scene,
    event,
    outcomes,
    paid_out,
    refunded,
    void_requested,
    voided,
)
from tests.support.story_books import StoryBooks, story_books

pytestmark = pytest.mark.postgres

S1, S2 = "wallet:seller:1", "wallet:seller:2"
CLEARING, FEES, CASH = "clearing:processor:EUR", "revenue:commission:EUR", "cash:bank:EUR"
SETTLING, RESERVE, DISPUTES = "clearing:settlements:EUR", "reserve:chargebacks:EUR", "expense:chargebacks:EUR"


def bought(order: str, amount: int, *shares: tuple[str, int], custody: str = "", event_id: str = "") -> Message:
    data: dict[str, object] = {
        "payment_id": order, "amount_minor": str(amount), "currency": "EUR", "method": "card",
        "beneficiaries": [{"account": account, "amount_minor": str(share)} for account, share in shares],
    }  # fmt: skip
    if custody:
        data["custody"] = custody
    return event("payment.captured.v1", order, event_id or f"bought-{order}", data)


def profile(beneficiary: str, status: str = "VERIFIED", *, version: int = 1, subject: str = "") -> Message:
    data: dict[str, object] = {"beneficiary": beneficiary, "status": status}
    if status == "VERIFIED":
        data |= {"rails": ["sepa"], "bank_account_ref": {"iban": "GE29NB0000000101904917"}}
    return event("settlement_profile.updated.v1", subject or beneficiary, f"{beneficiary}-v{version}", data)


def step(event_type: str, order: str, amount: int = 0, **data: object) -> Message:
    body: dict[str, object] = {"payment_id": order, f"{event_type.partition('.')[0]}_id": "x-1", **data}
    if amount:
        body |= {"amount_minor": str(amount), "currency": "EUR"}
    return event(f"{event_type}.v1", order, f"{event_type}-{order}", body)


def disputed(order: str, amount: int, seller: str) -> Message:
    shares = [{"account": seller, "amount_minor": str(amount)}]
    return step("chargeback.opened", order, amount, fee_minor="9", beneficiaries=shares)


@pytest.fixture(scope="module")
def books(postgres_server: str) -> Iterator[StoryBooks]:
    with story_books(postgres_server) as books:
        yield books


@pytest.fixture
def scene(scene: Scene) -> Scene:
    scene.apply_chart({**CHART, "marketplace": {}})
    return scene


@pytest.fixture
def strict(scene: Scene) -> Scene:
    """A marketplace that asks for profiles."""
    scene.apply_chart({**CHART, "marketplace": {"require_profiles": True}})
    return scene


def balances(scene: Scene, *accounts: str) -> dict[str, int]:
    return {account: scene.balance_minor(account) for account in accounts}


def test_one_buyer_and_two_sellers(scene: Scene) -> None:
    assert outcomes(scene.post(bought("o", 1_000_000, (S1, 600_000), (S2, 400_000)))) == ["POSTED"]
    assert balances(scene, CLEARING, S1, S2, FEES) == {
        CLEARING: 1_000_000, S1: -582_000, S2: -388_000, FEES: -30_000
    }  # fmt: skip
    refund = refunded("o", 1_000_000, of=S1)
    assert outcomes(scene.post(refund)) == ["POSTED"], "the commission of its own leg goes back, and no other's"
    assert balances(scene, CLEARING, S1, FEES) == {CLEARING: 0, S1: -582_000 + 982_000, FEES: -12_000}
    scene.assert_whole()


def test_a_split_that_is_refused_makes_no_payment(scene: Scene) -> None:
    assert outcomes(scene.post(bought("o", 100, (S1, 99)))) == ["SPLIT_LEGS_UNBALANCED"]
    assert scene.rows("SELECT order_key, captured_minor FROM ledger.subject WHERE captured_minor > 0") == []
    assert outcomes(scene.post(refunded("o", 1))) == ["PREDECESSOR_ABSENT"]
    assert scene.vouchers() == 0
    scene.assert_whole()


DIRECT: list[tuple[str, list[Message], list[str], Mapping[str, int]]] = [
    ("a refund gives back the commission of its part", [refunded("o", 500)], ["POSTED"], {CLEARING: 15, FEES: -15}),
    ("a refund that keeps the commission moves nothing", [step("refund.requested", "o", 500, refund_id="r"),
     step("refund.approved", "o", refund_id="r"),
     step("refund.completed", "o", 500, refund_id="r", platform_fee="kept",
          beneficiaries=[{"account": S1, "amount_minor": "500"}])],
     ["RECORDED", "RECORDED", "RECORDED"], {CLEARING: 30, FEES: -30}),
    ("of a settlement the commission is the platform's", [step("settlement.confirmed", "o", 1_000, fee_minor="9"),
     step("settlement.finality_confirmed", "o", 991)], ["POSTED", "POSTED"], {CLEARING: 0, SETTLING: 0, CASH: 30}),
    ("a settlement that fails", [step("settlement.confirmed", "o", 1_000),
     step("settlement.finality_failed", "o", failure_reason="no")], ["POSTED", "POSTED"], {CLEARING: 30}),
    ("of a dispute that is won only its fee comes and goes", [step("chargeback.opened", "o", 400, fee_minor="15"),
     step("chargeback.won", "o", 400, fee_minor="15")], ["POSTED", "POSTED"],
     {CLEARING: 30, DISPUTES: 0, RESERVE: 0}),
    ("of a dispute that is lost its fee stays", [step("chargeback.opened", "o", 400),
     step("chargeback.lost", "o", 400, fee_minor="15")], ["RECORDED", "POSTED"],
     {CLEARING: 15, DISPUTES: 15, RESERVE: 0}),
    ("a void takes back the commission", [voided("o")], ["POSTED"], {CLEARING: 0, FEES: 0}),
    ("taken back by request", [void_requested("o", of="bought-o")], ["POSTED"], {CLEARING: 0, FEES: 0}),
    ("a wallet neither pays nor is paid", [event("payment.refunded.v1", "o", "r", {
        "payment_id": "o", "refund_id": "r", "amount_minor": "9", "currency": "EUR", "payer": "wallet:buyer:1",
    })], ["CUSTODY_DIFFERS"], {CLEARING: 30}),
    ("more of it in direct custody", [bought("o", 100, (S1, 100), custody="direct", event_id="more")], ["POSTED"],
     {CLEARING: 33, FEES: -33}),
    ("more of it in escrow", [bought("o", 100, (S1, 100), custody="escrow", event_id="more")], ["CUSTODY_DIFFERS"],
     {CLEARING: 30}),
]  # fmt: skip


@pytest.mark.parametrize(("messages", "said", "left"), [row[1:] for row in DIRECT], ids=[row[0] for row in DIRECT])
def test_without_escrow_a_sellers_share_is_never_in_the_books(
    scene: Scene, messages: list[Message], said: list[str], left: Mapping[str, int]
) -> None:
    capture = bought("o", 1_000, (S1, 700), (S2, 300), custody="direct")
    assert outcomes(scene.post(capture, *messages)) == ["POSTED", *said]
    assert balances(scene, *left) == left
    assert balances(scene, S1, S2) == {S1: 0, S2: 0}
    scene.assert_whole()


LATER = "2026-11-22T08:00:00Z"
VAULT = "vault:seller:1"
ASKED: list[tuple[str, dict[str, object], dict[str, object], str, list[Message], list[str], Mapping[str, int]]] = [
    ("who has nothing in the books is not asked to cover a refund", {}, {"refund_cover": "available"}, S1,
     [refunded("o", 500)], ["POSTED", "POSTED"], {CLEARING: 15, FEES: -15}),
    ("in escrow he is", {"custody": "escrow"}, {"refund_cover": "available"}, S1,
     [paid_out("p", 900), refunded("o", 500)], ["POSTED", "POSTED", "SELLER_BALANCE_INSUFFICIENT"], {FEES: -30}),
    ("a void has its window", {}, {"void_window_minutes": 60}, S1, [voided("o", time=LATER)],
     ["POSTED", "VOID_WINDOW_PASSED"], {CLEARING: 30}),
    ("also where nothing was the platform's", {"commission_bps": 0}, {"void_window_minutes": 60}, S1,
     [voided("o", time=LATER)], ["RECORDED", "VOID_WINDOW_PASSED"], {CLEARING: 0}),
    ("and within it, it is recorded", {"commission_bps": 0}, {"void_window_minutes": 60}, S1,
     [voided("o")], ["RECORDED", "RECORDED"], {CLEARING: 0}),
    ("steps need no account that they do not post to", {}, {}, VAULT,
     [refunded("o", 500, of=VAULT), disputed("o", 100, VAULT)], ["POSTED", "POSTED", "POSTED"],
     {CLEARING: 6, FEES: -15, DISPUTES: 9}),
    ("of another payment they do", {}, {}, VAULT, [bought("p", 9, (S1, 9), custody="escrow"),
     refunded("p", 9, of=VAULT)], ["POSTED", "POSTED", "ACCOUNT_MISSING"], {CLEARING: 39}),
    ("nor where its capture is still to come", {}, {}, VAULT, [refunded("p", 9, of=VAULT)],
     ["POSTED", "PREDECESSOR_ABSENT"], {CLEARING: 30}),
]  # fmt: skip


@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
@pytest.mark.parametrize(
    ("marketplace", "payments", "seller", "messages", "said", "left"),
    [row[1:] for row in ASKED],
    ids=[row[0] for row in ASKED],
)
def test_policies_ask_in_direct_custody_about_what_is_posted(
    books: StoryBooks,
    one_by_one: bool,
    marketplace: dict[str, object],
    payments: dict[str, object],
    seller: str,
    messages: list[Message],
    said: list[str],
    left: Mapping[str, int],
) -> None:
    book = books.new(marketplace={"custody": "direct", **marketplace}, payments=payments)
    assert books.play(book, bought("o", 1_000, (seller, 1_000)), *messages, one_by_one=one_by_one) == said
    assert books.balances_minor(book, left) == left


def test_a_payment_of_which_nothing_is_the_platforms_is_recorded_and_goes_on(scene: Scene) -> None:
    scene.apply_chart({**CHART, "marketplace": {"custody": "direct", "commission_bps": 0}})
    assert outcomes(scene.post(bought("o", 50, (S1, 50)))) == ["RECORDED"]
    assert outcomes(scene.post(refunded("o", 51))) == ["REFUND_EXCEEDS_CAPTURED"]
    assert outcomes(scene.post(voided("o"))) == ["RECORDED"]
    assert scene.vouchers() == 0
    scene.assert_whole()


def half_kept(order: str) -> list[Message]:
    share = {"amount_minor": "200", "account": S1}
    return [
        step("refund.requested", order, 200, refund_id="r"),
        step("refund.approved", order, refund_id="r"),
        step("refund.completed", order, 200, refund_id="r", platform_fee="kept", beneficiaries=[share]),
    ]


WHOSE: list[tuple[str, list[tuple[str, int]], list[Message], dict[str, int]]] = [
    ("of one seller", [(S1, 1_000)], [], {S1: 30}),
    ("of two sellers", [(S1, 700), (S2, 300)], [], {S1: 21, S2: 9}),
    ("given back with a refund", [(S1, 1_000)], [refunded("o", 400)], {S1: 18}),
    ("of the seller who bears it", [(S1, 700), (S2, 300)], [refunded("o", 200, of=S2)], {S1: 21, S2: 3}),
    ("kept for all that is refunded", [(S1, 1_000)], half_kept("o"), {S1: 30}),
    ("a dispute takes nothing of it", [(S1, 700), (S2, 300)],
     [event("chargeback.opened.v1", "o", "c", {
         "payment_id": "o", "chargeback_id": "x", "amount_minor": "400", "currency": "EUR", "fee_minor": "9",
         "beneficiaries": [{"account": S1, "amount_minor": "300"}, {"account": S2, "amount_minor": "100"}]})],
     {S1: 21, S2: 9}),
    ("taken back with a void", [(S1, 1_000)], [voided("o")], {S1: 0}),
    ("taken back by request", [(S1, 1_000)], [void_requested("o", of="bought-o")], {S1: 0}),
]  # fmt: skip


@pytest.mark.parametrize(("shares", "messages", "kept"), [row[1:] for row in WHOSE], ids=[row[0] for row in WHOSE])
def test_in_direct_custody_too_each_seller_shows_the_commission_that_the_platform_keeps(
    books: StoryBooks, shares: list[tuple[str, int]], messages: list[Message], kept: dict[str, int]
) -> None:
    book = books.new(marketplace={"custody": "direct"})
    assert set(books.play(book, bought("o", 1_000, *shares), *messages, one_by_one=True)) <= {"POSTED", "RECORDED"}
    told = books.scene.rows(
        "SELECT event.book_id, event.position, event.type, order_key, convert_from(event.state, 'UTF8')::jsonb "
        "FROM ledger.event INNER JOIN ledger.book ON book.book_id = event.book_id WHERE book.code = %s ORDER BY 2",
        book,
    )
    rows: BeneficiaryRows = {}
    fold_beneficiaries([LedgerEvent(*one) for one in told], rows)
    assert {account: row.commission_minor for (_, account), row in rows.items()} == kept
    assert sum(kept.values()) == -books.scene.balance_minor(FEES, book)


def test_a_capture_waits_for_every_beneficiary_to_be_verified(strict: Scene) -> None:
    capture = bought("o", 100, (S1, 60), (S2, 40))
    assert outcomes(strict.post(capture, profile(S2), refunded("o", 10))) == [
        "SELLER_PAYOUT_PROFILE_MISSING", "RECORDED", "ORDER_KEY_PARKED"
    ]  # fmt: skip
    waiting = "SELECT waits_for FROM ledger.dead_letter WHERE resolved_position IS NULL ORDER BY position"
    assert strict.rows(waiting) == [(f"profile:{S1}",), ("order_key",)]
    assert outcomes(strict.post(profile(S1, "PENDING"))) == ["RECORDED"]
    assert strict.balance_minor(CLEARING) == 0
    assert outcomes(strict.post(profile(S1, version=2))) == ["RECORDED"]
    assert strict.balance_minor(CLEARING) == 90
    assert strict.rows(waiting) == []
    strict.assert_whole()


def payout(which: str, account: str = S1, payout_id: str = "w") -> Message:
    data = {"payout_id": payout_id}
    if which == "failed":
        data["failure_reason"] = "no_luck"
    else:
        data |= {"account": account, "amount_minor": "5", "currency": "EUR"}
    return event(f"payout.{which}.v1", payout_id, f"{which}-{payout_id}", data)


@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
@pytest.mark.parametrize(
    ("first", "rest", "words", "balance_minor"),
    [
        ("requested", ["paid"], ["SELLER_PAYOUT_PROFILE_MISSING", "ORDER_KEY_PARKED"], -5),
        ("paid", [], ["SELLER_PAYOUT_PROFILE_MISSING"], -5),
        ("requested", ["failed"], ["SELLER_PAYOUT_PROFILE_MISSING", "ORDER_KEY_PARKED"], 0),
    ],
)
def test_nobody_is_paid_out_without_a_verified_profile(
    strict: Scene, first: str, rest: list[str], words: list[str], balance_minor: int, one_by_one: bool
) -> None:
    """What it was before it was suspended does not count; what waited goes on as soon as it is verified again."""
    strict.post(profile(S1))
    told = [profile(S1, "SUSPENDED", version=2), payout(first), *(payout(which) for which in rest)]
    batches = [[one] for one in told] if one_by_one else [told]
    assert [word for batch in batches for word in outcomes(strict.post(*batch))] == ["RECORDED", *words]
    assert strict.balance_minor(S1) == 0
    assert outcomes(strict.post(profile(S1, version=3))) == ["RECORDED"]
    assert strict.one("SELECT count(*) FROM ledger.dead_letter WHERE resolved_position IS NULL") == 0
    assert strict.balance_minor(S1) == -balance_minor
    strict.assert_whole()


def test_what_was_requested_of_a_verified_seller_may_be_paid_whatever_is_told_meanwhile(strict: Scene) -> None:
    told = [profile(S1), payout("requested"), profile(S1, "SUSPENDED", version=2), payout("paid")]
    assert outcomes(strict.post(*told)) == ["RECORDED", "POSTED", "RECORDED", "POSTED"]
    ours = payout("paid", "control:PLATFORM_FEES", "ours")
    assert outcomes(strict.post(ours)) == ["POSTED"], "what is the platform's is nobody's to be paid out"
    strict.assert_whole()


def test_profiles_count_by_their_order_not_by_their_time(strict: Scene) -> None:
    told = [profile(S1), bought("o", 10, (S1, 10)), profile(S1, "SUSPENDED", version=2), bought("p", 10, (S1, 10))]
    assert outcomes(strict.post(*told)) == ["RECORDED", "POSTED", "RECORDED", "SELLER_PAYOUT_PROFILE_MISSING"]
    rows = strict.rows("SELECT beneficiary, status, verified, revision FROM read.settlement_profile")
    assert rows == [(S1, "SUSPENDED", False, 2)]
    kept = strict.one("SELECT said -> 'bank_account_ref' ->> 'iban' FROM ledger.notice WHERE revision = 1")
    assert kept == "GE29**************4917"
    assert outcomes(strict.post(bought("q", 10, ("control:UNALLOCATED_SALES", 10)))) == ["POSTED"], "nobody to pay out"
    strict.assert_whole()


def test_a_chart_that_asks_for_no_profiles_any_more_heals_what_waited(strict: Scene) -> None:
    assert outcomes(strict.post(bought("o", 10, (S1, 10)))) == ["SELLER_PAYOUT_PROFILE_MISSING"]
    strict.apply_chart({**CHART, "marketplace": {}})
    assert len(strict.worker().poster.heal(BOOK, f"profile:{S1}").healed) == 1
    strict.assert_whole()


@pytest.mark.parametrize("before", ["PENDING", "VERIFIED"])
def test_a_profile_told_between_reading_and_writing_counts(strict: Scene, before: str) -> None:
    """The capture reads the profile, then another worker tells a new one, then the capture is written: behind it."""
    after = "VERIFIED" if before == "PENDING" else "SUSPENDED"
    strict.post(profile(S1, before))
    gate = Gate("decided")
    strict.topic.send(bought("o", 10, (S1, 10)))
    slow = strict.worker(0, label=gate)
    decided = strict.start(slow.work)
    gate.wait()
    strict.post(profile(S1, after, version=2), partition=1)
    gate.open()
    assert outcomes(decided.result()) == ["POSTED" if after == "VERIFIED" else "SELLER_PAYOUT_PROFILE_MISSING"]
    strict.assert_whole()


BAD_PROFILES: list[tuple[str, dict[str, Any]]] = [
    ("verified without a way to pay", {"status": "VERIFIED"}),
    ("an IBAN with a wrong digit", {"status": "PENDING", "bank_account_ref": {"iban": "GE28NB0000000101904917"}}),
    ("an account that is not named", {"status": "PENDING", "bank_account_ref": {}}),
    ("no status that there is", {"status": "MAYBE"}),
    ("another subject", {"status": "PENDING", "beneficiary": S2}),
]


def test_profiles_that_can_not_be_are_refused(strict: Scene) -> None:
    messages = [
        event("settlement_profile.updated.v1", S1, name, {"beneficiary": S1, **data}) for name, data in BAD_PROFILES
    ]
    assert outcomes(strict.post(*messages)) == ["DATA_INVALID"] * len(BAD_PROFILES)
    assert strict.rows("SELECT key FROM ledger.notice") == []
    strict.assert_whole()


def test_of_an_iban_in_a_profile_that_is_refused_only_the_ends_are_kept(strict: Scene) -> None:
    assert outcomes(strict.post(profile(S1, subject=S2))) == ["DATA_INVALID"]
    value = bytes(strict.one("SELECT value FROM ledger.dead_letter"))
    assert value == (profile(S1).value or b"").replace(b"GE29NB0000000101904917", b"GE29**************4917")
    strict.assert_whole()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger.notice SET said = '{}'",
        "DELETE FROM ledger.notice",
        "INSERT INTO ledger.notice SELECT book_id, 3, kind, key, said FROM ledger.notice",
    ],
)
def test_the_database_keeps_every_notice_in_its_order(strict: Scene, change: str) -> None:
    strict.post(profile(S1))
    with pytest.raises(errors.IntegrityError, match=r"LOG_IS_APPEND_ONLY|NOTICE_REFUSED"):
        strict.change(change)
