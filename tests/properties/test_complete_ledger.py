"""All that services and operators may ask of a book: in whatever order and batches, it ends where a model does."""

import os
import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date
from itertools import count
from typing import Any, ClassVar

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger_core.operations.charts import ChartCommands
from ledger_core.operations.period_lifecycle import PeriodLifecycle, PeriodRefusedError
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role, connect
from ledger_core.store.hold_expiry import expire_due
from ledger_core.store.verify import verify
from tests.models import complete as plain
from tests.models.complete.events import TODAY
from tests.support.complete_wire import message, wire_limits
from tests.support.databases import TestDatabase
from tests.support.postings import CHART, Scene
from tests.support.streams import Stream

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(400)]

WALLETS = ("wallet:seller:1", "wallet:seller:2", "wallet:seller:3", "wallet:seller:4")
VAULTS = ("vault:1", "vault:2", "vault:3")
CASH, DOLLARS = "vault:cash", "wallet:seller:dollars"
ORDERS = ("pay-1", "pay-2", "pay-3")
ENDS = ("2021-01-31", "2021-02-28", "2021-03-31")
EXAMPLES, STEPS, AT_LEAST = 30, 50, 1_000
SEED = "LEDGER_PROPERTY_SEED"
"""Set it to a number that a failing run printed, to see that run again with its shortest example: in some minutes."""

amounts = st.sampled_from([1, 30, 50, 70, 100])
days = st.sampled_from([TODAY] * 6 + ["2021-01-15", "2021-02-15", "2021-03-15"])
takers = st.sampled_from([*WALLETS, *WALLETS, *VAULTS])


@st.composite
def lines(draw: st.DrawFn) -> tuple[plain.Line, ...]:
    """Nearly always balanced and in euros; money comes from cash as often as from a wallet."""
    giver = draw(st.sampled_from([CASH, CASH, *WALLETS, *VAULTS]))
    parts = draw(st.lists(st.tuples(takers, amounts), min_size=1, max_size=3))
    currency = draw(st.sampled_from(["EUR"] * 15 + ["USD"]))
    total = sum(amount for _, amount in parts) - draw(st.sampled_from([0] * 15 + [1]))
    shares = [plain.Line(taker, "C", amount, currency) for taker, amount in parts]
    return (plain.Line(giver, "D", total or 1, currency), *shares)


class Machine(RuleBasedStateMachine):
    """Events pile up into a batch; to post it is a step like any other."""

    scene: ClassVar[Scene]
    numbers: ClassVar["count[int]"]
    steps_taken: ClassVar["count[int]"]

    @initialize(redirects=st.booleans())
    def begin(self, redirects: bool) -> None:
        self.book = f"b{next(self.numbers)}"
        with connect(self.scene.dsn, Role.POSTER) as connection:
            create_book(connection, self.book, {**CHART, "late_events": "redirect" if redirects else "park"})
        self.stream = Stream(self.scene, self.scene.worker(0), self.book)
        self.accounts = self.scene.accounts(self.book)
        self.charts = ChartCommands(self.poster, self.book)
        self.periods = PeriodLifecycle(self.poster, self.book)
        self.accounts.open_account(CASH, account_type="asset", currency="EUR")
        self.accounts.open_account(DOLLARS, account_type="liability", currency="USD")
        for wallet in WALLETS:
            self.accounts.open_account(wallet, account_type="liability", currency="EUR")
        opened = {wallet: plain.Account("liability") for wallet in WALLETS}
        opened |= {CASH: plain.Account("asset"), DOLLARS: plain.Account("liability", "USD")}
        self.books = plain.Books(opened, redirects)
        self.model = plain.Ledger(self.books)
        self.batch: list[plain.Event] = []
        self.sent: list[plain.Event] = []
        self.holds: list[str] = []
        self.declared: dict[str, dict[str, object]] = {}

    def poster(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        return connect(self.scene.dsn, Role.POSTER)

    @invariant()
    def count_step(self) -> None:
        next(self.steps_taken)

    def send(self, one: plain.Event) -> None:
        self.batch.append(one)
        self.sent.append(one)

    def new_id(self, kind: str) -> str:
        return f"{kind}-{len(self.sent)}"

    # What services send

    @rule(content=lines(), day=days, kind=st.sampled_from(["transfer", "transfer", "fee", "cogs", "adjustment"]))
    def voucher(self, content: tuple[plain.Line, ...], day: str, kind: str) -> None:
        self.send(plain.Voucher(self.new_id("voucher"), day, content, kind))

    @rule(data=st.data(), content=lines(), kind=st.sampled_from(["adjustment", "adjustment", "inventory_adjustment"]))
    def adjustment(self, data: st.DataObject, content: tuple[plain.Line, ...], kind: str) -> None:
        made_good = data.draw(st.sampled_from(["", "", "event-unknown", *self.posting_ids()[-6:]]))
        one = plain.Voucher(self.new_id("adjustment"), TODAY, content, kind, adjusts=True, compensates=made_good)
        self.send(one)

    @rule(
        amount=amounts,
        seller=takers,
        quote=st.sampled_from([("EUR", "USD")] * 4 + [("USD", "EUR"), ("EUR", "EUR"), ("EUR", "GBP"), None]),
    )
    def exchange(self, amount: int, seller: str, quote: tuple[str, str] | None) -> None:
        content = (
            plain.Line(seller, "D", amount),
            plain.Line("trading:EUR", "C", amount),
            plain.Line("trading:USD", "D", 2 * amount, "USD"),
            plain.Line(DOLLARS, "C", 2 * amount, "USD"),
        )
        between = plain.Exchange(*quote) if quote else None
        self.send(plain.Voucher(self.new_id("exchange"), TODAY, content, "fx", quote=between))

    @rule(members=st.lists(st.tuples(lines(), days), min_size=2, max_size=3))
    def group(self, members: list[tuple[tuple[plain.Line, ...], str]]) -> None:
        vouchers = tuple(plain.Voucher("", day, content) for content, day in members)
        self.send(plain.Group(self.new_id("group"), TODAY, vouchers))

    def posting_ids(self) -> list[str]:
        kinds = (
            plain.Voucher,
            plain.Group,
            plain.Void,
            plain.Capture,
            plain.Pay,
            plain.VoidPayment,
            plain.CloseAccount,
        )
        return [one.event_id for one in self.sent if isinstance(one, kinds)]

    @precondition(lambda self: self.posting_ids())
    @rule(data=st.data(), day=days)
    def void(self, data: st.DataObject, day: str) -> None:
        of = data.draw(st.sampled_from(self.posting_ids()[-6:]))
        order = next(one.order for one in self.sent if one.event_id == of)
        self.send(plain.Void(self.new_id("void"), day, order, of))

    @rule(account=takers, amount=amounts, bps=st.sampled_from([0, 333, 1_000, 10_000]), due=st.sampled_from([0, 0, 1]))
    def place(self, account: str, amount: int, bps: int, due: int) -> None:
        self.holds.append(f"hold-{len(self.holds)}")
        self.send(plain.Place(self.new_id("place"), TODAY, self.holds[-1], account, amount, bps, bool(due)))

    @rule(data=st.data(), day=days, to=st.sampled_from([CASH, *WALLETS, *VAULTS]), amount=amounts, final=st.booleans())
    def capture(self, data: st.DataObject, day: str, to: str, amount: int, final: bool) -> None:
        """Now and then of the hold that will be placed next."""
        hold = data.draw(st.sampled_from([*self.holds[-4:], f"hold-{len(self.holds)}"]))
        self.send(plain.Capture(self.new_id("capture"), day, hold, to, amount, final))

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.send(plain.Release(self.new_id("release"), TODAY, data.draw(st.sampled_from(self.holds[-4:]))))

    @rule(
        kind=st.sampled_from([plain.Pay, plain.Pay, plain.Refund, plain.Refund]), day=days,
        order=st.sampled_from(ORDERS), to=takers, amount=amounts, currency=st.sampled_from(["EUR"] * 9 + ["USD"]),
    )  # fmt: skip
    def pay(self, kind: type[plain.Pay], day: str, order: str, to: str, amount: int, currency: str) -> None:
        account = to if currency == "EUR" else DOLLARS
        self.send(kind(self.new_id("pay"), day, order, account, amount, currency))

    @rule(order=st.sampled_from(ORDERS), authorizes=st.booleans(), day=days)
    def authorize_or_void(self, order: str, authorizes: bool, day: str) -> None:
        name = self.new_id("pay")
        self.send(plain.Authorize(name, day, order, 50) if authorizes else plain.VoidPayment(name, day, order))

    @rule(account=st.sampled_from([*VAULTS, *VAULTS, *WALLETS]), type_=st.sampled_from(["liability"] * 4 + ["asset"]))
    def open_account(self, account: str, type_: str) -> None:
        self.send(plain.OpenAccount(self.new_id("open"), TODAY, account, type_))

    @rule(account=st.sampled_from([*VAULTS, *WALLETS]), kind=st.sampled_from([plain.Freeze, plain.Unfreeze]))
    def freeze_or_unfreeze_by_event(self, account: str, kind: type[plain.Freeze] | type[plain.Unfreeze]) -> None:
        self.send(kind(self.new_id("status"), TODAY, account))

    @rule(
        account=st.sampled_from([*VAULTS, WALLETS[3]]),
        to=st.sampled_from(["", *WALLETS, *VAULTS, CASH, DOLLARS]),
        day=days,
    )
    def close_account(self, account: str, to: str, day: str) -> None:
        self.send(plain.CloseAccount(self.new_id("close"), day, account, "" if to == account else to))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        self.batch.append(data.draw(st.sampled_from(self.sent[-8:])))

    # What operators do

    @rule(account=st.sampled_from(WALLETS))
    def freeze(self, account: str) -> None:
        self.post(exact=False)
        if self.books.accounts[account].status == "open":
            self.accounts.freeze(account, reason="test")
            self.books.accounts[account].status = "frozen"

    @rule(account=st.sampled_from(WALLETS))
    def unfreeze(self, account: str) -> None:
        self.post(exact=False)
        if self.books.accounts[account].status == "frozen":
            self.accounts.unfreeze(account, reason="test")
            self.books.accounts[account].status = "open"
            self.heal(f"account:{account}")

    @rule(
        account=st.sampled_from(WALLETS),
        minimum=st.sampled_from([None, 0, -50]),
        maximum=st.sampled_from([None, None, 150]),
        policy=st.sampled_from(["allow", "warn", "warn", "deny", "deny"]),
    )
    def limit(self, account: str, minimum: int | None, maximum: int | None, policy: str) -> None:
        """By a version of the chart that declares this one account, with its limits."""
        self.post(exact=False)
        one = self.books.accounts[account]
        if one.status == "closed":
            return
        shown = self.charts.show().document
        self.declared[account] = wire_limits(minimum, maximum, policy)
        declared = [
            {"code": code, "type": "liability", "currency": "EUR", **limits}
            for code, limits in self.declared.items()
            if self.books.accounts[code].status != "closed"
        ]
        self.charts.apply({**shown, "accounts": declared}, reason="test")
        one.minimum, one.maximum, one.policy = minimum, maximum, policy

    @rule()
    def expire(self) -> None:
        self.post(exact=False)
        with self.poster() as connection:
            connection.autocommit = True
            expire_due(connection)
        self.model.expire_all()
        self.compare()

    @precondition(lambda self: self.books.closed < ENDS[-1])
    @rule()
    def close_period(self) -> None:
        self.post(exact=False)
        through = next(end for end in ENDS if end > self.books.closed)
        self.periods.close(date.fromisoformat(through), reason="test")
        self.books.closed = through
        assert self.sealed_totals() == self.books.totals(through)

    @precondition(lambda self: self.books.closed)
    @rule(through=st.sampled_from(ENDS))
    def reopen_period(self, through: str) -> None:
        """Only the last one opens again."""
        self.post(exact=False)
        persons = {"requested_by": "ana", "approved_by": "ben"}
        if through != self.books.closed:
            with pytest.raises(PeriodRefusedError):
                self.periods.reopen(date.fromisoformat(through), reason="test", **persons)
            return
        self.periods.reopen(date.fromisoformat(through), reason="test", **persons)
        self.books.closed = max((end for end in ENDS if end < through), default="")
        self.heal("period")

    def heal(self, waits_for: str) -> None:
        self.stream.worker.poster.heal(self.book, waits_for)
        self.model.heal(waits_for)
        self.compare()

    # What the product makes of it

    @rule(exact=st.booleans())
    def post(self, exact: bool) -> None:
        if not self.batch:
            return
        self.stream.batch = [message(one, self.book) for one in self.batch]
        self.stream.send(exact=exact)
        self.model.post(self.batch)
        self.batch = []
        self.compare()

    def compare(self) -> None:
        crossed = [*self.stream.rows(CROSSINGS)[0]]
        vouchers = [(one.number, one.kind, one.event_id) for one in self.books.vouchers]
        for what, found, expected in (
            ("outcomes", self.stream.outcomes(), self.books.outcomes),
            ("balances", self.balances(), self.books.balances()),
            ("days", self.days(), self.books.days()),
            ("vouchers", self.stream.rows(VOUCHERS), vouchers),
            ("links", set(self.stream.rows(LINKS)), self.books.links),
            ("crossings", crossed, self.books.crossed),
        ):
            if found != expected:  # said at once: a run that goes otherwise the second time is told as nothing but that
                print(f"{self.book}: {what}: {found} for {expected} after {self.sent}")  # noqa: T201
            assert found == expected, what

    def teardown(self) -> None:
        if hasattr(self, "books"):
            self.post(exact=False)
            self.stream.worker.poster.close()

    def balances(self) -> dict[str, Sequence[int]]:
        return {row[0]: row[1:] for row in self.stream.rows(BALANCES)}

    def days(self) -> dict[tuple[str, str], int]:
        return {(code, day): signed for code, day, signed in self.stream.rows(DAYS)}

    def sealed_totals(self) -> dict[str, int]:
        """What the last closing says of all that took effect until then."""
        return {currency: int(total) for currency, total in self.stream.rows(SEALED)[0][0]}


BALANCES = """
SELECT account.code, debits_posted, credits_posted,
    CASE WHEN account.type = 'asset' THEN credits_pending ELSE debits_pending END
FROM ledger.account_head JOIN ledger.account USING (book_id, account_id) JOIN ledger.book USING (book_id)
WHERE book.code = %s AND debits_posted + credits_posted + debits_pending + credits_pending > 0"""
DAYS = """
SELECT account.code, (effective_at AT TIME ZONE 'UTC')::date::text,
    sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END)::bigint
FROM ledger.entry JOIN ledger.account USING (book_id, account_id) JOIN ledger.book USING (book_id)
WHERE book.code = %s GROUP BY 1, 2"""
VOUCHERS = """
SELECT event.voucher_no, said ->> 'kind', said ->> 'event_id'
FROM ledger.event JOIN ledger.book USING (book_id) CROSS JOIN LATERAL (
    SELECT convert_from(event.state, 'UTF8')::jsonb AS said) AS decoded
WHERE book.code = %s AND event.voucher_no > 0 ORDER BY 1"""
LINKS = """
SELECT voucher_no, link, other_voucher_no FROM read.voucher_link
WHERE book_id = (SELECT book_id FROM ledger.book WHERE code = %s)"""
CROSSINGS = """
SELECT count(*) FILTER (WHERE type = 'account.went_negative'), count(*) FILTER (WHERE type = 'account.went_over')
FROM ledger.event JOIN ledger.book USING (book_id) WHERE book.code = %s"""
SEALED = """
SELECT convert_from(state, 'UTF8')::jsonb -> 'totals' FROM ledger.event JOIN ledger.book USING (book_id)
WHERE book.code = %s AND type = 'period.closed' ORDER BY event.position DESC LIMIT 1"""


def test_the_store_ends_where_a_model_of_the_complete_ledger_does(database: TestDatabase) -> None:
    chosen = os.environ.get(SEED)
    number = int(chosen or secrets.randbelow(1 << 32))
    print(f"{SEED}={number}")  # noqa: T201 - shown when it fails
    with Scene(database.dsn()) as scene:
        Machine.scene, Machine.numbers, Machine.steps_taken = scene, count(), count()
        run_state_machine_as_test(
            seed(number)(Machine),
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=[Phase.generate, Phase.shrink] if chosen else [Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
        assert next(Machine.steps_taken) >= AT_LEAST
        report = verify(scene.dsn)
        assert report.ok, [check for check in report.checks if not check.ok]
