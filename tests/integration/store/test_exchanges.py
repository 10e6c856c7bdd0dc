"""Payments across currencies through the store: both sides of the voucher, and what of it goes back."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from psycopg import errors

from deploy.demo.messages import Message
from ledger_core.store.connection import Role, connect
from ledger_core.store.verify.run import verify
from projections.beneficiaries.fold import BeneficiaryRows, fold_beneficiaries
from projections.events import LedgerEvent
from projections.payments.fold import PaymentRows, fold_payments
from tests.support.exchanges import OTHER, QUOTE, SELLER, Shares, bought, dispute, ended, refund
from tests.support.postings import Scene, captured, event, outcomes, refunded, void_requested, voided
from tests.support.story_books import StoryBooks, into, story_books

pytestmark = pytest.mark.postgres

CLEARING, RESERVE, DISPUTES = "clearing:processor:EUR", "reserve:chargebacks:EUR", "expense:chargebacks:EUR"
EUR, BRL, FEES, SUSPENSE = "trading:EUR", "trading:BRL", "revenue:commission:BRL", "suspense:orders:BRL"
CAPTURED = {CLEARING: 10_000, EUR: -10_000, BRL: 61_850, SELLER: -61_850}


@pytest.fixture(scope="module")
def books(postgres_server: str) -> Iterator[StoryBooks]:
    """One ledger for all stories, a book each; every invariant holds in the end."""
    with story_books(postgres_server) as books:
        yield books


def balances(books: StoryBooks, book: str) -> dict[str, int]:
    """Debits less credits of all accounts that are not at zero."""
    rows = books.scene.rows(
        """SELECT account.code, (debits_posted - credits_posted)::bigint FROM ledger.account_head
        JOIN ledger.account USING (book_id, account_id) JOIN ledger.book USING (book_id)
        WHERE book.code = %s AND debits_posted <> credits_posted""",
        book,
    )
    return dict(rows)


def kept(books: StoryBooks, book: str) -> list[tuple[Any, ...]]:
    return books.scene.rows(
        """SELECT paid_minor, credited_minor, paid_back_minor, credited_back_minor
        FROM ledger.payment_exchange JOIN ledger.book USING (book_id) WHERE book.code = %s""",
        book,
    )


Story = tuple[str, list[Message], list[str], dict[str, int]]
PARTS: Shares = [(SELLER, 40_000), (OTHER, 21_850)]
STORIES: list[Story] = [
    ("one seller gets all of it", [bought("o")], ["POSTED"], CAPTURED),
    ("two sellers and the platform", [bought("o", shares=PARTS, bps=1000)], ["POSTED"],
     {CLEARING: 10_000, EUR: -10_000, BRL: 61_850, SELLER: -36_000, OTHER: -19_665, FEES: -6_185}),
    ("what nobody gets is in suspense", [bought("o", shares=[(SELLER, 61_000)])], ["POSTED"],
     {**CAPTURED, SELLER: -61_000, SUSPENSE: -850}),
    ("a wallet pays", [bought("o", payer="wallet:buyer:1")], ["POSTED"],
     {"wallet:buyer:1": 10_000, EUR: -10_000, BRL: 61_850, SELLER: -61_850}),
    ("cash on delivery", [bought("o", method="cash_on_delivery", confirmed_by="anna",
                                 confirmed_at="2026-10-02T11:05:00Z")], ["POSTED"],
     {"cash:delivery:EUR": 10_000, EUR: -10_000, BRL: 61_850, SELLER: -61_850}),
    ("refunds in parts give back the whole",
     [bought("o"), refund("o", 3_333, refund_id="1"), refund("o", 3_333, refund_id="2"),
      refund("o", 3_334, [(SELLER, 61_850)], refund_id="3")], ["POSTED"] * 4, {}),
    ("a refund is a part of the ratio", [bought("o"), refund("o", 3_333, [(SELLER, 20_614)])], ["POSTED", "POSTED"],
     {CLEARING: 6_667, EUR: -6_667, BRL: 41_236, SELLER: -41_236}),
    ("what nobody bears of it is in suspense", [bought("o"), refund("o", 4_000, [(SELLER, 24_000)])],
     ["POSTED", "POSTED"], {CLEARING: 6_000, EUR: -6_000, BRL: 37_110, SELLER: -37_850, SUSPENSE: 740}),
    ("who bears more than it has it in suspense", [bought("o"), refund("o", 4_000, [(SELLER, 25_000)])],
     ["POSTED", "POSTED"], {CLEARING: 6_000, EUR: -6_000, BRL: 37_110, SELLER: -36_850, SUSPENSE: -260}),
    ("a refund of less than a unit", [bought("o", 1_000, 10, quote={**QUOTE, "rate": "0.01"}), refund("o", 99)],
     ["POSTED", "POSTED"], {CLEARING: 901, EUR: -901, BRL: 10, SELLER: -10}),
    ("the platform keeps its commission",
     [bought("o", bps=1000), refund("o", 10_000, [(SELLER, 61_850)], bps=1000, platform_fee="kept")],
     ["POSTED", "POSTED"], {SELLER: 6_185, FEES: -6_185}),
    ("a dispute that is won",
     [bought("o"), dispute("o", 4_000, [(SELLER, 24_740)], fee_minor="9"), ended("o", "won", 4_000)], ["POSTED"] * 3,
     {**CAPTURED, CLEARING: 9_991, DISPUTES: 9}),
    ("a dispute that is lost", [bought("o"), dispute("o", 4_000, [(SELLER, 24_740)]), ended("o", "lost", 4_000)],
     ["POSTED"] * 3, {CLEARING: 6_000, EUR: -6_000, BRL: 37_110, SELLER: -37_110}),
    ("after a dispute is won the rest goes back whole",
     [bought("o"), refund("o", 1, refund_id="1"), dispute("o", 3_333), refund("o", 2, refund_id="2"),
      ended("o", "won", 3_333), refund("o", 9_997, [(SELLER, 61_850)], refund_id="3")], ["POSTED"] * 6, {}),
    ("a refund in steps", [
        bought("o"),
        event("refund.requested.v1", "o", "asked", {"payment_id": "o", "refund_id": "s", "amount_minor": "4000",
                                                    "currency": "EUR"}),
        event("refund.approved.v1", "o", "approved", {"payment_id": "o", "refund_id": "s"}),
        refund("o", 6_001, refund_id="other"),
        event("refund.completed.v1", "o", "done", {
            "payment_id": "o", "refund_id": "s", "amount_minor": "4000", "currency": "EUR",
            "exchange": {"currency": "BRL"}, "beneficiaries": [{"account": SELLER, "amount_minor": "24740"}]}),
     ], ["POSTED", "RECORDED", "RECORDED", "REFUND_EXCEEDS_CAPTURED", "POSTED"],
     {CLEARING: 6_000, EUR: -6_000, BRL: 37_110, SELLER: -37_110}),
    ("a void takes back both sides", [bought("o"), voided("o")], ["POSTED", "POSTED"], {}),
    ("a capture that is taken back by request", [bought("o"), void_requested("o", of="bought-o")],
     ["POSTED", "POSTED"], {}),
    ("a refund that is taken back by request",
     [bought("o"), refund("o", 4_000, [(SELLER, 24_740)]), void_requested("o", of="refund-r-o"),
      refund("o", 10_000, [(SELLER, 61_850)], refund_id="all")], ["POSTED"] * 4, {}),
    ("a capture stays once something went back",
     [bought("o"), bought("o", 1_000, 9_000, event_id="more", quote={**QUOTE, "rate": "9"}), refund("o", 1),
      void_requested("o", of="more")], ["POSTED", "POSTED", "POSTED", "VOID_AFTER_REFUND"],
     {CLEARING: 10_999, EUR: -10_999, BRL: 70_844, SELLER: -70_850, SUSPENSE: 6}),
    ("captures at two rates go back by their sums",
     [bought("o"), bought("o", 1_000, 9_000, event_id="more", quote={**QUOTE, "rate": "9"}),
      refund("o", 11_000, [(SELLER, 70_850)])], ["POSTED"] * 3, {}),
    ("a refund that comes first", [refund("o", 10_000, [(SELLER, 61_850)]), bought("o")], ["POSTED", "POSTED"], {}),
    ("a refund in one currency that waited for its capture", [refunded("o", 100, of=OTHER), bought("o")],
     ["REJECTED", "POSTED"], CAPTURED),
    ("a refund in another currency than was credited", [bought("o"), refund("o", 1, currencies=("EUR", "USD"))],
     ["POSTED", "CURRENCY_MISMATCH"], CAPTURED),
    ("a refund across currencies of a payment in one", [captured("o"), refund("o", 1)],
     ["POSTED", "CURRENCY_MISMATCH"], {CLEARING: 100, SELLER: -100}),
    ("more of it in one currency", [bought("o"), captured("o", event_id="more")], ["POSTED", "CURRENCY_MISMATCH"],
     CAPTURED),
    ("more of it in a third", [bought("o"), bought("o", 100, 110, event_id="more", currencies=("EUR", "USD"), quote={
        **QUOTE, "counter": "USD", "rate": "1.1"})], ["POSTED", "CURRENCY_MISMATCH"], CAPTURED),
    ("at another rate", [bought("o", 10_000, 61_900)], ["QUOTE_MISMATCH"], {}),
    ("in a currency that nobody knows", [bought("o", 100, 110, currencies=("EUR", "ZZZ"), quote={
        **QUOTE, "counter": "ZZZ", "rate": "1.1"})], ["CURRENCY_UNKNOWN"], {}),
    ("a quote between others", [bought("o", quote={**QUOTE, "counter": "USD"})], ["FX_QUOTE_INVALID"], {}),
    ("into its own currency", [bought("o", 100, 100, currencies=("EUR", "EUR"), quote={**QUOTE, "rate": "1"})],
     ["FX_QUOTE_INVALID"], {}),
    ("a refund into its own currency", [bought("o"), refund("o", 1, currencies=("EUR", "EUR"))],
     ["POSTED", "DATA_INVALID"], CAPTURED),
    ("the trading account as beneficiary", [bought("o", shares=[("control:TRADING", 61_850)])],
     ["SAME_ACCOUNT_BOTH_SIDES"], {}),
]  # fmt: skip


def play(books: StoryBooks, stories: Mapping[str, list[Message]], *, at_once: bool) -> dict[str, list[str]]:
    """The last words on all stories, by book: all in one batch, or the first events of all, then the second."""
    told = [(book, number, message) for book, story in stories.items() for number, message in enumerate(story)]
    words: dict[str, list[str]] = {book: [] for book in stories}
    names = {book: [dict(message.headers)["ce_id"].decode() for message in story] for book, story in stories.items()}
    for turn in [None] if at_once else range(max(map(len, stories.values()))):
        batch = [(book, message) for book, number, message in told if turn in (None, number)]
        books.scene.topic.send(*(into(book, message) for book, message in batch))
        result = books.worker.work()
        for (book, _), word in zip(batch, outcomes(result), strict=True):
            words[book].append(word)
        for healed, one in result.healed:
            words[healed.book][names[healed.book].index(healed.event_id)] = one.outcome.value
    return words


@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "step by step"])
def test_both_currencies_balance_and_what_goes_back_is_what_came(books: StoryBooks, at_once: bool) -> None:
    book_of = {name: books.new() for name, *_ in STORIES}
    words = play(books, {book_of[name]: messages for name, messages, *_ in STORIES}, at_once=at_once)
    became = {name: (words[book], balances(books, book)) for name, book in book_of.items()}
    assert became == {name: (said, left) for name, _, said, left in STORIES}


SCALES: list[tuple[str, tuple[str, str], int, int, dict[str, str], str]] = [
    ("no decimals against two", ("JPY", "EUR"), 17_052, 10_500,
     {"base": "EUR", "counter": "JPY", "rate": "162.4"}, "POSTED"),
    ("two against three", ("EUR", "BHD"), 10_000, 41_030, {"counter": "BHD", "rate": "0.4103"}, "POSTED"),
    ("three against none", ("BHD", "JPY"), 1_234, 488, {"base": "BHD", "counter": "JPY", "rate": "395.8"}, "POSTED"),
    ("as if all had two", ("EUR", "BHD"), 10_000, 4_103, {"counter": "BHD", "rate": "0.4103"}, "QUOTE_MISMATCH"),
]  # fmt: skip


@pytest.mark.parametrize(("currencies", "paid", "credited", "quote", "said"), [row[1:] for row in SCALES],
                         ids=[row[0] for row in SCALES])  # fmt: skip
def test_each_currency_has_its_own_decimals(
    books: StoryBooks, currencies: tuple[str, str], paid: int, credited: int, quote: dict[str, str], said: str
) -> None:
    book = books.new()
    capture = bought("o", paid, credited, currencies=currencies, quote={**QUOTE, **quote})
    assert outcomes(books.post(book, capture)) == [said]
    if said == "POSTED":
        third = paid // 3
        steps = [refund("o", third, currencies=currencies, refund_id="1"),
                 refund("o", paid - third, [(SELLER, credited)], currencies=currencies, refund_id="2")]  # fmt: skip
        assert outcomes(books.post(book, *steps)) == ["POSTED", "POSTED"]
    assert balances(books, book) == {}


def test_what_is_kept_of_a_payment_is_the_sum_of_its_steps(books: StoryBooks) -> None:
    book = books.new()
    steps = [
        bought("o"),
        refund("o", 3_333),
        dispute("o", 1_000),
        dispute("o", 500, chargeback_id="d"),
        ended("o", "won", 500, chargeback_id="d"),
    ]
    books.post(book, *steps)
    assert kept(books, book) == [(10_000, 61_850, 4_333, 26_799)]


ASKED: Mapping[str, object] = {"max_age_minutes": 60}
OLD = {**QUOTE, "quoted_at": "2026-11-21T07:46:53.000006Z"}
"""An hour and a microsecond before the payment."""
TIMELY = {**QUOTE, "quoted_at": "2026-11-21T07:46:53.000007Z"}


@pytest.mark.parametrize(("chart", "quote", "said", "stale"), [
    ({}, OLD, "POSTED", None),
    ({"exchange": ASKED}, TIMELY, "POSTED", None),
    ({"exchange": ASKED}, OLD, "POSTED", {"age_minutes": 60, "max_age_minutes": 60}),
    ({"exchange": {**ASKED, "stale": "deny"}}, TIMELY, "POSTED", None),
    ({"exchange": {**ASKED, "stale": "deny"}}, OLD, "QUOTE_STALE", None),
    ({"exchange": ASKED, "marketplace": {}}, OLD, "POSTED", {"age_minutes": 60, "max_age_minutes": 60}),
    ({"exchange": {**ASKED, "stale": "deny"}, "marketplace": {}}, OLD, "QUOTE_STALE", None),
], ids=["nothing said", "timely", "stale", "timely where asked", "denied", "a split", "a split denied"])  # fmt: skip
def test_a_stale_quote_shows_and_is_refused_only_where_the_chart_says_so(
    books: StoryBooks, chart: dict[str, object], quote: dict[str, str], said: str, stale: dict[str, int] | None
) -> None:
    book = books.new(**chart)
    assert outcomes(books.post(book, bought("o", quote=quote))) == [said]
    if said == "POSTED":
        state = books.scene.one(
            """SELECT convert_from(state, 'UTF8')::jsonb FROM ledger.event JOIN ledger.book USING (book_id)
            WHERE book.code = %s AND type = 'voucher.posted'""",
            book,
        )
        assert state.get("stale_quote") == stale
        assert state["quote"] == quote


SPLITS: list[Story] = [
    ("in escrow", [bought("o", shares=PARTS, bps=300)], ["POSTED"],
     {CLEARING: 10_000, EUR: -10_000, BRL: 61_850, SELLER: -38_800, OTHER: -21_195, FEES: -1_855}),
    ("parts of what was paid", [bought("o", shares=[(SELLER, 10_000)])], ["SPLIT_LEGS_UNBALANCED"], {}),
    ("in direct custody", [bought("o", shares=PARTS, custody="direct")], ["DATA_INVALID"], {}),
    ("in escrow and back by the legs", [
        bought("o", shares=PARTS, bps=300), refund("o", 3_333, refund_id="1"), dispute("o", 2_000),
        ended("o", "won", 2_000), refund("o", 6_667, refund_id="2"),
     ], ["POSTED"] * 5, {}),
    ("a part of it, by the legs", [bought("o", shares=PARTS, bps=300), refund("o", 4_000)], ["POSTED", "POSTED"],
     {CLEARING: 6_000, EUR: -6_000, BRL: 37_110, SELLER: -23_280, OTHER: -12_717, FEES: -1_113}),
    ("in escrow and back", [bought("o", shares=PARTS, bps=300), refund("o", 10_000, PARTS, bps=300)],
     ["POSTED", "POSTED"], {}),
]  # fmt: skip


def test_a_marketplace_splits_what_was_credited(books: StoryBooks) -> None:
    book_of = {name: books.new(marketplace={}) for name, *_ in SPLITS}
    words = play(books, {book_of[name]: messages for name, messages, *_ in SPLITS}, at_once=False)
    became = {name: (words[book], balances(books, book)) for name, book in book_of.items()}
    assert became == {name: (said, left) for name, _, said, left in SPLITS}


def test_read_models_keep_the_currencies_apart(books: StoryBooks) -> None:
    book = books.new()
    books.post(book, bought("o", bps=10_000), refund("o", 4_000, [(SELLER, 24_740)], bps=10_000))
    rows = books.scene.rows(
        """SELECT book_id, event.position, type, order_key, convert_from(state, 'UTF8')::jsonb FROM ledger.event
        JOIN ledger.book USING (book_id) WHERE book.code = %s AND order_key = 'o' ORDER BY event.position""",
        book,
    )
    events = [LedgerEvent(*row) for row in rows]
    earners: BeneficiaryRows = {}
    fold_beneficiaries(events, earners)
    ((_, account), earner) = next(iter(earners.items()))
    assert (account, earner.currency, earner.commission_minor) == (SELLER, "BRL", 61_850 - 24_740)
    payments: PaymentRows = {}
    fold_payments(events, payments)
    (payment,) = payments.values()
    assert (payment.currency, payment.captured_minor, payment.refunded_minor) == ("EUR", 10_000, 4_000)
    assert payment.commission_minor == 0


def test_the_database_refuses_what_no_payment_can_be(scene: Scene) -> None:
    scene.post(bought("o"))
    for change in (
        "UPDATE ledger.payment_exchange SET paid_back_minor = paid_minor",
        "UPDATE ledger.payment_exchange SET credited_back_minor = credited_minor + 1",
        "UPDATE ledger.payment_exchange SET paid_back_minor = -1",
        "UPDATE ledger.payment_exchange SET asset_id = 840",
        "DELETE FROM ledger.payment_exchange",
        "TRUNCATE ledger.payment_exchange",
    ):
        with pytest.raises(errors.IntegrityError):
            scene.change(change)


def test_verification_finds_a_payment_that_is_not_what_its_events_say(scene: Scene) -> None:
    scene.post(bought("o"), refund("o", 4_000), bought("p"))
    for broken, mended in (
        ("UPDATE ledger.payment_exchange SET credited_back_minor = 24741 WHERE order_key = 'o'",
         "UPDATE ledger.payment_exchange SET credited_back_minor = 24740 WHERE order_key = 'o'"),
        ("UPDATE ledger.subject SET marks = 0 WHERE order_key = 'p'",
         "UPDATE ledger.subject SET marks = 32 WHERE order_key = 'p'"),
    ):  # fmt: skip
        scene.tamper(broken)
        found = [check for check in verify(scene.dsn).checks if not check.ok]
        assert [(check.name, check.first_bad[-1]) for check in found] == [("exchanges", broken[-2])]
        scene.tamper(mended)


def test_analysts_read_a_payment_across_currencies_in_both(books: StoryBooks) -> None:
    book = books.new()
    books.post(book, bought("o"), refund("o", 4_000, [(SELLER, 24_740)]))
    ((book_id,),) = books.scene.rows("SELECT book_id FROM ledger.book WHERE code = %s", book)
    with connect(books.scene.dsn, Role.READER) as reader:
        reader.execute("SELECT set_config('ledger.book_id', %s, true)", [str(book_id)])
        rows = reader.execute(
            """SELECT order_key, paid_currency, paid::text, paid_back::text, currency, credited::text,
            credited_back::text FROM read.payment_exchange"""
        ).fetchall()
    assert rows == [("o", "EUR", "100.00", "40.00", "BRL", "618.50", "247.40")]
