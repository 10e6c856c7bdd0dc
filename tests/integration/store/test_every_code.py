"""Every code is the answer to some record: one row each, from the bytes of a record to the event in the log.

The table is keyed by `Code`, and its length is checked: a code that is added without a row fails here. Which of
several reasons comes first is the matter of the decision tables in `tests/unit/domain`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from consumers.decode import Decoder
from deploy.demo.messages import Message
from ledger_core.domain.awaited import form_of
from ledger_core.domain.incoming import SYSTEM_BOOK
from ledger_core.domain.outcomes import BOOKLESS_CODES, PARKING_CODES, Code
from ledger_core.operations.period_lifecycle import PeriodLifecycle
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role, connect
from schemas.charts import load_chart
from schemas.strict_json import MAX_BYTES, MAX_DEPTH
from tests.support import exchanges
from tests.support.account_events import SUSPENSE, left_over, opened, unfrozen
from tests.support.account_events import closed as close
from tests.support.account_events import frozen as freeze
from tests.support.databases import create_database, drop_database
from tests.support.hold_events import LONG_AGO, LONG_DUE, placed, released, taken
from tests.support.merchants import drop_book
from tests.support.postings import CHART, Scene, authorized, captured, event, paid_out, refunded, void_requested, voided
from tests.support.story_desk import DRAWER, KEY, data_of

pytestmark = pytest.mark.postgres

SELLER, TILL = "wallet:seller:1", "till:1"
Around = Callable[[Scene, str], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Row:
    """What a record meets. Messages are sent to a book of the row's own, unless they name another."""

    record: Message
    before: Sequence[Message] = ()
    around: Around = lambda _scene, _book: nullcontext()
    chart: Mapping[str, object] = field(default_factory=dict)
    """Members of the book's chart that are not the usual ones."""
    expected_book: str | None = None


def raw(value: bytes) -> Message:
    return Message(b"key", (), value)


def by_hand(*lines: tuple[str, str, int | str], kind: str = "transfer", **members: object) -> Message:
    """A voucher whose lines are account, side and amount, in EUR."""
    return event("voucher.requested.v1", "v", "requested", _voucher(*lines, kind=kind, **members))


def _voucher(*lines: tuple[str, str, int | str], kind: str = "transfer", **members: object) -> dict[str, object]:
    drawn = [
        {"account": account, "side": side, "amount_minor": str(amount), "currency": "EUR"}
        for account, side, amount in lines
    ]
    return {"kind": kind, "lines": drawn, **members}


def _two(amount: int = 100, credit: int = 100) -> list[tuple[str, str, int | str]]:
    return [("control:CASH", "debit", amount), (SELLER, "credit", credit)]


def exchanged_by_hand(dollars: int) -> dict[str, object]:
    """100 EUR for dollars, at 1.1."""
    bought = [("control:TRADING", "debit"), ("wallet:seller:dollars", "credit")]
    euros = _voucher(("control:CASH", "debit", 100), ("control:TRADING", "credit", 100), kind="fx")
    lines: Any = euros["lines"]
    lines += [
        {"account": account, "side": side, "amount_minor": str(dollars), "currency": "USD"} for account, side in bought
    ]
    return {**euros, "quote": {
        "rate": "1.1", "source": "/ecb", "quoted_at": LONG_AGO, "provider": "p", "base": "EUR", "counter": "USD",
    }}  # fmt: skip


def step(event_type: str, event_id: str = "", **changes: str) -> Message:
    """A step of a refund, chargeback, settlement, payout or fee, or the end of a payment, on the story's key."""
    return event(event_type, KEY, event_id or event_type, {**data_of(event_type), **changes})


def drawer(event_type: str, event_id: str = "", **changes: object) -> Message:
    """Of the story's drawer."""
    return event(event_type, DRAWER, event_id or event_type, {**data_of(event_type), **changes})


def twice(event_type: str, *before: Message) -> Row:
    """The same step again, by another event."""
    return Row(step(event_type, event_id="again"), [*before, step(event_type)])


FUNDED = [step("transfer.requested.v1"), step("transfer.inflow.received.v1")]
SETTLED = [*FUNDED, step("transfer.settled.v1")]


def limited(**limits: str) -> dict[str, object]:
    """A template of accounts with limits that deny."""
    return {"pattern": "wallet:*", "type": "liability", "limits": {**limits, "policy": "deny"}}


CONTROLS: Any = load_chart()["controls"]
MARKETPLACE: dict[str, object] = {"marketplace": {}}


def custodial(order: str, custody: str, *, shared: int = 100, event_id: str = "") -> Message:
    """A capture of 100 whose event says in whose custody it is."""
    return event("payment.captured.v1", order, event_id or f"captured-{order}", {
        "payment_id": order, "amount_minor": "100", "currency": "EUR", "method": "card", "custody": custody,
        "beneficiaries": [{"account": SELLER, "amount_minor": str(shared)}],
    })  # fmt: skip


STATUS = """UPDATE ledger.account_head AS head SET status = %s FROM ledger.account JOIN ledger.book USING (book_id)
    WHERE head.book_id = account.book_id AND head.account_id = account.account_id
        AND book.code = %s AND account.code = %s"""


@contextmanager
def frozen(scene: Scene, book: str) -> Iterator[None]:
    accounts = scene.accounts(book)
    accounts.open_account(SELLER, account_type="liability", currency="EUR")
    accounts.freeze(SELLER, reason="a test")
    yield


@contextmanager
def closed(scene: Scene, book: str) -> Iterator[None]:
    """By raw SQL, and undone: the log says nothing of it."""
    scene.accounts(book).open_account(SELLER, account_type="liability", currency="EUR")
    scene.change(STATUS, "C", book, SELLER)
    yield
    scene.change("SET session_replication_role = replica")  # nobody else may take an account out of closing
    scene.change(STATUS, "O", book, SELLER)
    scene.change("RESET session_replication_role")


@contextmanager
def dropped(scene: Scene, book: str) -> Iterator[None]:
    drop_book(scene.dsn, book)
    yield


@contextmanager
def year_closed(scene: Scene, book: str) -> Iterator[None]:
    PeriodLifecycle(lambda: connect(scene.dsn, Role.POSTER), book).close(date(2020, 12, 31), reason="year end")
    yield


TABLE: Mapping[Code, Row] = {
    Code.RECORD_TOO_LARGE: Row(raw(b" " * (MAX_BYTES + 1))),
    Code.RECORD_EMPTY: Row(raw(b"")),
    Code.NOT_UTF8: Row(raw(b'{"\xff": 1}')),
    Code.NOT_JSON: Row(raw(b"{")),
    Code.TOO_DEEP: Row(raw(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))),
    Code.DUPLICATE_JSON_KEY: Row(raw(b'{"a": 1, "a": 2}')),
    Code.ENVELOPE_INVALID: Row(raw(b"{}")),
    Code.BOOK_MISMATCH: Row(captured("o"), expected_book="another"),
    Code.BOOK_UNKNOWN: Row(captured("o", book="nowhere")),
    Code.BOOK_DROPPED: Row(captured("o"), around=dropped),
    Code.IDEMPOTENCY_CONFLICT: Row(captured("o", 200), [captured("o", 100)]),
    Code.EVENT_TYPE_UNKNOWN: Row(event("weather.changed.v1", "k", "e", {})),
    Code.SCHEMA_VERSION_UNKNOWN: Row(event("payment.captured.v9", "k", "e", {})),
    Code.SOURCE_NOT_ALLOWED: Row(captured("o"), chart={"sources": [{"source": "/psp", "types": ["payout.*"]}]}),
    Code.AMOUNT_NOT_POSITIVE: Row(captured("o", 0)),
    Code.AMOUNT_INVALID: Row(by_hand(("control:CASH", "debit", "1e2"), (SELLER, "credit", "100"))),
    Code.CURRENCY_UNKNOWN: Row(captured("o", currency="ZZZ")),
    Code.DATA_INVALID: Row(by_hand(*_two(), kind="reversal")),
    Code.FX_QUOTE_INVALID: Row(by_hand(*_two(), quote={
        "rate": "1.1", "source": "/ecb", "quoted_at": LONG_AGO, "provider": "p", "base": "EUR", "counter": "USD",
    })),
    Code.QUOTE_MISMATCH: Row(event("voucher.requested.v1", "v", "requested", exchanged_by_hand(dollars=500))),
    Code.QUOTE_STALE: Row(
        exchanges.bought("o", quote={**exchanges.QUOTE, "quoted_at": LONG_AGO}),
        chart={"exchange": {"max_age_minutes": 60, "stale": "deny"}},
    ),
    Code.SIGN_OFFS_NOT_DISTINCT: Row(drawer("cash.refunded.v1", signed_off_by=["anna", " Anna"])),
    Code.SPLIT_ORDER_NOT_CONFIGURED: Row(custodial("o", "escrow")),
    Code.SPLIT_LEGS_UNBALANCED: Row(custodial("o", "escrow", shared=99), chart=MARKETPLACE),
    Code.VOUCHER_UNBALANCED: Row(by_hand(*_two(100, 99))),
    Code.SUM_TOO_LARGE: Row(by_hand(*(_two(10**18 - 1, 10**18 - 1) * 10))),
    Code.ORDER_KEY_PARKED: Row(refunded("o", 40, event_id="second"), [refunded("o", 40, event_id="first")]),
    Code.ALREADY_TOLD: twice("cogs.recorded.v1"),
    Code.CURRENCY_MISMATCH: Row(captured("o", currency="USD", event_id="second"), [captured("o")]),
    Code.PAYMENT_VOIDED: Row(refunded("o"), [captured("o"), voided("o")]),
    Code.ALREADY_VOIDED: Row(voided("o", event_id="second"), [captured("o"), voided("o")]),
    Code.VOUCHER_UNKNOWN: Row(void_requested("o", voucher_no=99)),
    Code.ORDER_KEY_DIFFERS: Row(void_requested("p", voucher_no=1), [captured("o")]),
    Code.ALREADY_REVERSED: Row(
        void_requested("o", voucher_no=1, event_id="second"), [captured("o"), void_requested("o", voucher_no=1)]
    ),
    Code.REVERSAL_NOT_REVERSIBLE: Row(
        void_requested("o", voucher_no=2), [captured("o"), void_requested("o", voucher_no=1)]
    ),
    Code.COGS_NOT_VOIDABLE: Row(void_requested("v", voucher_no=1), [by_hand(*_two(), kind="cogs")]),
    Code.INVENTORY_ADJUSTMENT_NOT_VOIDABLE: Row(
        void_requested("v", voucher_no=1),
        [by_hand(*_two(), kind="inventory_adjustment", adjustment={"reason": "correction", "reference": "count 7"})],
    ),
    Code.STEP_NOT_VOIDABLE: Row(void_requested(KEY, voucher_no=2), [
        captured(KEY), step("refund.requested.v1"), step("refund.approved.v1"), step("refund.completed.v1")
    ]),
    Code.VOUCHER_PERIOD_CLOSED: Row(
        void_requested("o", voucher_no=1), [captured("o", time=LONG_AGO)], around=year_closed
    ),
    Code.PAYMENT_FAILED: Row(captured(KEY), [step("payment.intent_created.v1"), step("payment.failed.v1")]),
    Code.AUTHORIZATION_EXPIRED: Row(captured(KEY), [authorized(KEY), step("payment.authorization_expired.v1")]),
    Code.PAYMENT_CAPTURED: Row(step("payment.failed.v1"), [captured(KEY)]),
    Code.CUSTODY_DIFFERS: Row(
        custodial("o", "direct", event_id="second"), [custodial("o", "escrow")], chart=MARKETPLACE
    ),
    Code.TRANSFER_BLOCKED: Row(step("transfer.settled.v1"), [*FUNDED, step("transfer.monitoring.blocked.v1")]),
    Code.PREDECESSOR_ABSENT: Row(refunded("o")),
    Code.CAPTURE_PROOF_MISSING: Row(captured("o"), chart={"payments": {"capture_proof": "required"}}),
    Code.CAPTURE_TOO_SOON: Row(
        captured(KEY), [step("payment.capture_failed.v1")], chart={"payments": {"attempts_apart_minutes": 1}}
    ),
    Code.REFUND_STATE_INVALID: twice("refund.requested.v1", captured(KEY)),
    Code.CHARGEBACK_STATE_INVALID: twice("chargeback.opened.v1", captured(KEY)),
    Code.SETTLEMENT_STATE_INVALID: twice("settlement.confirmed.v1", captured(KEY, 200)),
    Code.PAYOUT_STATE_INVALID: twice("payout.requested.v1"),
    Code.FEE_STATE_INVALID: twice("fee.charged.v1"),
    Code.FEE_PERMANENTLY_FAILED: Row(step("fee.retried.v1", event_id="too late"), [
        step(f"fee.{what}.v1", event_id=f"{what} {n}") for n in range(3) for what in ("failed", "retried")
    ][:-1]),
    Code.TRANSFER_STATE_INVALID: twice("transfer.requested.v1"),
    Code.ALREADY_COMPENSATED: twice("transaction.compensated.v1", *SETTLED),
    Code.APPROVAL_NOT_DISTINCT: twice("transfer.approved.v1", *FUNDED[:1]),
    Code.VOID_AFTER_REFUND: Row(voided("o"), [captured("o"), refunded("o", 1)]),
    Code.VOID_WINDOW_PASSED: Row(voided(KEY), [captured(KEY), step("settlement.confirmed.v1")]),
    Code.AMOUNT_DIFFERS: Row(
        step("payout.paid.v1", amount_minor="31"), [step("payout.requested.v1", amount_minor="30")]
    ),
    Code.ACCOUNT_DIFFERS: Row(step("payout.paid.v1", account=TILL), [step("payout.requested.v1")]),
    Code.FX_RATE_CONFLICT: Row(exchanges.published("6.2", event_id="second"), [exchanges.published("6.1")]),
    Code.CAPTURE_EXCEEDS_AUTHORIZED: Row(
        captured("o", 101), [authorized("o", 100)], chart={"payments": {"capture_tolerance_bps": 0}}
    ),
    Code.REFUND_EXCEEDS_CAPTURED: Row(refunded("o", 101), [captured("o", 100)]),
    Code.CHARGEBACK_EXCEEDS_CAPTURED: Row(step("chargeback.opened.v1", amount_minor="101"), [captured(KEY)]),
    Code.SETTLEMENT_EXCEEDS_CAPTURED: Row(step("settlement.confirmed.v1", amount_minor="101"), [captured(KEY)]),
    Code.FEE_REFUND_EXCEEDS_CHARGED: Row(step("fee.refunded.v1", amount_minor="11"), [step("fee.charged.v1")]),
    Code.INFLOW_EXCEEDS_TRANSFER: Row(step("transfer.inflow.received.v1", amount_minor="81"), FUNDED[:1]),
    Code.TRANSFER_GATE_CLOSED: Row(step("transfer.settled.v1"), FUNDED, chart={"transfers": {"approvals": 1}}),
    Code.SELLER_BALANCE_INSUFFICIENT: Row(
        refunded("o"), [captured("o"), paid_out("w", 1)], chart={"payments": {"refund_cover": "available"}}
    ),
    Code.DRAWER_OPEN: Row(drawer("drawer.opened.v1", "again"), [drawer("drawer.opened.v1")]),
    Code.DRAWER_CLOSED: Row(
        drawer("drawer.closed.v1", "again"), [drawer("drawer.opened.v1"), drawer("drawer.closed.v1")]
    ),
    Code.HOLD_UNKNOWN: Row(taken("h", 1)),
    Code.HOLD_EXISTS: Row(placed("h", event_id="second"), [placed("h")]),
    Code.HOLD_CAPTURED: Row(taken("h", 1), [placed("h", 100), taken("h", 100)]),
    Code.HOLD_RELEASED: Row(taken("h", 1), [placed("h"), released("h")]),
    Code.HOLD_EXPIRED: Row(taken("h", 1), [placed("h", time=LONG_AGO, expires_at=LONG_DUE)]),
    Code.CAPTURE_EXCEEDS_HOLD: Row(taken("h", 101), [placed("h", 100)]),
    Code.SWEEP_RULE_MISSING: Row(step("sweep.requested.v1")),
    Code.SELLER_PAYOUT_PROFILE_MISSING: Row(captured("o"), chart={"marketplace": {"require_profiles": True}}),
    Code.PLATFORM_COMMISSION_RECIPIENT_MISSING: Row(captured("o"), chart={**MARKETPLACE, "controls": [
        control for control in CONTROLS if control["role"] != "PLATFORM_FEES"
    ]}),
    Code.CONTROL_ACCOUNT_MISSING: Row(captured("o"), chart={"controls": []}),
    Code.SAME_ACCOUNT_BOTH_SIDES: Row(by_hand((SELLER, "debit", 1), (SELLER, "credit", 1))),
    Code.ACCOUNT_MISSING: Row(captured("o", to="vault:1")),
    Code.ACCOUNT_CURRENCY_MISMATCH: Row(captured("o", currency="USD"), [captured("p", currency="EUR")]),
    Code.ACCOUNT_CLOSED: Row(captured("o"), around=closed),
    Code.ACCOUNT_EXISTS_DIFFERENTLY: Row(opened(SELLER, account_type="asset"), [captured("o")]),
    Code.ACCOUNT_ALREADY_FROZEN: Row(freeze(SELLER, event_id="second"), [captured("o"), freeze(SELLER)]),
    Code.ACCOUNT_NOT_FROZEN: Row(unfrozen(SELLER), [captured("o")]),
    Code.ACCOUNT_HELD: Row(close(SELLER), [placed("h", 1, of=SELLER)]),
    Code.ACCOUNT_NOT_ZERO: Row(close(SELLER), [captured("o")]),
    Code.ACCOUNT_KEYS_NOT_ZERO: Row(close(SUSPENSE), [left_over("o", 1), left_over("p", -1)]),
    Code.ACCOUNT_FROZEN: Row(captured("o"), around=frozen),
    Code.LIMIT_MINIMUM: Row(paid_out("w"), chart={"templates": [limited(minimum_minor="0")]}),
    Code.LIMIT_MAXIMUM: Row(captured("o"), chart={"templates": [limited(maximum_minor="99")]}),
    Code.INSUFFICIENT_AVAILABLE: Row(placed("h", of=SELLER), chart={"templates": [limited(overdraft_minor="99")]}),
    Code.PERIOD_CLOSED: Row(paid_out("w", time=LONG_AGO), around=year_closed),
    Code.OVERFLOW: Row(
        captured("tenth", 10**18 - 1), [captured(f"o-{n}", 10**18 - 1) for n in range(9)]
    ),
    Code.GROUP_MEMBER_REFUSED: Row(
        event("voucher.group_requested.v1", "g", "g", {"vouchers": [_voucher(*_two()), _voucher(*_two(100, 99))]})
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def scene(postgres_server: str) -> Iterator[Scene]:
    """One ledger for all rows: each has a book of its own."""
    database = create_database(postgres_server)
    with Scene(database.dsn()) as scene:
        yield scene
        scene.assert_whole()
    drop_database(database)


def into(book: str, message: Message) -> Message:
    """The message, sent to this book where it names the usual one."""
    return message._replace(headers=tuple(
        (name, book.encode() if (name, value) == ("ce_ledgerbook", b"shop") else value)
        for name, value in message.headers
    ))  # fmt: skip


def newest_batch(scene: Scene) -> int:
    return int(scene.one("SELECT max(batch_id) FROM ledger.block"))


def said_since(scene: Scene, batch_id: int) -> list[tuple[Any, ...]]:
    """Book, type and code of each event that was written after this batch."""
    return scene.rows(
        """SELECT book.code, event.type, convert_from(event.state, 'UTF8')::jsonb ->> 'code'
        FROM ledger.block JOIN ledger.book USING (book_id) JOIN ledger.event USING (book_id)
        WHERE block.batch_id > %s AND event.position BETWEEN block.first_position AND block.last_position""",
        batch_id,
    )


def test_every_code_has_its_row_and_stands_in_its_place() -> None:
    assert list(TABLE) == list(Code)


@pytest.mark.parametrize("code", TABLE, ids=str)
def test_the_record_is_answered_with_the_code_of_its_row(code: Code, scene: Scene) -> None:
    row, book = TABLE[code], code.lower().replace("_", "-")
    with connect(scene.dsn, Role.POSTER) as connection:
        create_book(connection, book, {**CHART, **row.chart})
    assets = dict(scene.rows("SELECT code, asset_id FROM ledger.asset"))
    scene.decoder = Decoder(assets, expected_book=row.expected_book)
    if row.before:
        scene.post(*(into(book, message) for message in row.before))
    with row.around(scene, book):
        batch_id = newest_batch(scene)
        scene.post(into(book, row.record))
        said = said_since(scene, batch_id)
    parks = code in PARKING_CODES
    stands_in = SYSTEM_BOOK if code in BOOKLESS_CODES else book
    assert (stands_in, "event.parked" if parks else "event.rejected", code) in said
    waits_for = scene.rows(
        "SELECT DISTINCT waits_for FROM ledger.dead_letter WHERE outcome = 'PARKED' AND code = %s", code
    )
    assert [name for (name,) in waits_for if form_of(name) is None] == [], "a form that `Awaited` does not have"
    assert bool(waits_for) is parks
