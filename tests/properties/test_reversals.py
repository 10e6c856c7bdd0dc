"""Voids of payments, voids by request and compensations end where a few lines of Python say, in any batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.demo.messages import Message
from tests.support.databases import TestDatabase
from tests.support.postings import Scene, Worker, captured, compensation, paid_out, refunded, void_requested, voided

pytestmark = pytest.mark.postgres

ORDERS = ("o-1", "o-2")
SELLER = "wallet:seller:1"
PARKS = "would park"
"""What waits for an event of its order is left out: voucher numbers would depend on where batches end."""


@dataclass(frozen=True)
class Pay:
    """A capture, refund or payout."""

    kind: str
    order: str
    amount: int


@dataclass(frozen=True)
class VoidPayment:
    order: str


@dataclass(frozen=True)
class VoidVoucher:
    number: int
    by_event: bool
    elsewhere: bool


@dataclass(frozen=True)
class Compensate:
    number: int


Step = Pay | VoidPayment | VoidVoucher | Compensate


@dataclass
class Known:
    """A posted voucher; `worth` is what the seller got by it."""

    event: str
    kind: str
    order: str
    amount: int
    worth: int
    reversed_by: int = 0


@dataclass
class Model:
    """What should come of each event, one at a time. Nothing of the product is in it."""

    vouchers: list[Known] = field(default_factory=list)
    voided: set[str] = field(default_factory=set)
    outcomes: dict[str, str] = field(default_factory=dict)
    links: set[tuple[int, str, int]] = field(default_factory=set)

    def standing(self, order: str, kind: str) -> list[Known]:
        return [one for one in self.vouchers if (one.order, one.kind, one.reversed_by) == (order, kind, 0)]

    def total(self, order: str, kind: str) -> int:
        return sum(one.amount for one in self.standing(order, kind))

    def captured(self, order: str) -> int:
        """What no request took back: the payment's own void leaves the sum, and says so by its mark."""
        captures = [one for one in self.vouchers if (one.order, one.kind) == (order, "capture")]
        kept = [one for one in captures if not one.reversed_by or self.vouchers[one.reversed_by - 1].kind == "void"]
        return sum(one.amount for one in kept)

    def post(self, event: str, kind: str, order: str, amount: int, worth: int) -> str:
        self.vouchers.append(Known(event, kind, order, amount, worth))
        return "POSTED"

    def decide(self, event: str, step: Step) -> str:
        if isinstance(step, Pay):
            return self.pay(event, step)
        if isinstance(step, VoidPayment):
            return self.void_payment(event, step.order)
        if step.number > len(self.vouchers):
            return "VOUCHER_UNKNOWN"
        if isinstance(step, VoidVoucher):
            return self.void_voucher(event, self.vouchers[step.number - 1], elsewhere=step.elsewhere)
        self.link("compensat", step.number)
        return self.post(event, "compensation", event, 5, 5)

    def pay(self, event: str, step: Pay) -> str:
        if step.kind == "payout":
            return self.post(event, "payout", event.removeprefix("paid-out-"), step.amount, -step.amount)
        if step.order in self.voided:
            return "PAYMENT_VOIDED"
        if step.kind == "capture":
            return self.post(event, "capture", step.order, step.amount, step.amount)
        if not self.standing(step.order, "capture"):
            return PARKS
        if self.total(step.order, "refund") + step.amount > self.total(step.order, "capture"):
            return "REFUND_EXCEEDS_CAPTURED"
        return self.post(event, "refund", step.order, step.amount, -step.amount)

    def void_payment(self, event: str, order: str) -> str:
        if order in self.voided:
            return "ALREADY_VOIDED"
        if not any((one.order, one.kind) == (order, "capture") for one in self.vouchers):
            return PARKS
        if self.standing(order, "refund"):
            return "VOID_AFTER_REFUND"
        captures = self.standing(order, "capture")
        self.voided.add(order)
        return self.take_back(event, captures, "void") if captures else "RECORDED"

    def void_voucher(self, event: str, voucher: Known, *, elsewhere: bool) -> str:
        if elsewhere:
            return "ORDER_KEY_DIFFERS"
        if voucher.reversed_by:
            return "ALREADY_REVERSED"
        if voucher.kind in ("reversal", "void"):
            return "REVERSAL_NOT_REVERSIBLE"
        left = self.total(voucher.order, "capture") - voucher.amount
        if voucher.kind == "capture" and left < self.total(voucher.order, "refund"):
            return "VOID_AFTER_REFUND"
        return self.take_back(event, [voucher], "reversal")

    def take_back(self, event: str, vouchers: Sequence[Known], kind: str) -> str:
        for one in vouchers:
            self.link("revers", self.vouchers.index(one) + 1)
            one.reversed_by = len(self.vouchers) + 1
        worth = -sum(one.worth for one in vouchers)
        return self.post(event, kind, vouchers[0].order, abs(worth), worth)

    def link(self, verb: str, other: int) -> None:
        """From the next voucher to another, and back."""
        number = len(self.vouchers) + 1
        self.links |= {(number, f"{verb}es", other), (other, f"{verb}ed_by", number)}


def message(event: str, step: Step, model: Model, book: str) -> Message:
    """The event as a service sends it; `model` is what it knows by then."""
    if isinstance(step, Pay):
        if step.kind == "capture":
            return captured(step.order, step.amount, event_id=event, book=book)
        if step.kind == "refund":
            return refunded(step.order, step.amount, event_id=event, book=book)
        return paid_out(event.removeprefix("paid-out-"), step.amount, book=book)
    if isinstance(step, VoidPayment):
        return voided(step.order, event_id=event, book=book)
    if isinstance(step, Compensate):
        return compensation(event, voucher_no=step.number, event_id=event, book=book)
    if step.number > len(model.vouchers):
        return void_requested("o-1", voucher_no=step.number, event_id=event, book=book)
    voucher = model.vouchers[step.number - 1]
    order = "elsewhere" if step.elsewhere else voucher.order
    if step.by_event:
        return void_requested(order, of=voucher.event, event_id=event, book=book)
    return void_requested(order, voucher_no=step.number, event_id=event, book=book)


@dataclass
class Run:
    """One stream in one book; every place in `cuts` ends a batch."""

    scene: Scene
    worker: Worker
    book: str

    def play(self, stream: Sequence[Step], cuts: set[int]) -> Model:
        self.scene.create_book(self.book)
        model = Model()
        batch: list[Message] = []
        for place, step in enumerate(stream):
            event = f"e{place}" if not isinstance(step, Pay) or step.kind != "payout" else f"paid-out-e{place}"
            sent = message(event, step, model, self.book)
            outcome = model.decide(event, step)
            if outcome != PARKS:
                model.outcomes[event] = outcome
                batch.append(sent)
            if place in cuts:
                self.send(batch)
        self.send(batch)
        return model

    def send(self, batch: list[Message]) -> None:
        if batch:
            self.scene.topic.send(*batch)
            self.worker.work()
            batch.clear()

    def outcomes(self) -> dict[str, str]:
        return dict(self.scene.rows("""
            SELECT inbox.event_id, CASE event.type
                WHEN 'voucher.posted' THEN 'POSTED' WHEN 'fact.recorded' THEN 'RECORDED'
                ELSE convert_from(event.state, 'UTF8')::jsonb ->> 'code' END
            FROM ledger.inbox JOIN ledger.block USING (book_id, batch_id) JOIN ledger.book USING (book_id)
            JOIN ledger.event ON event.book_id = inbox.book_id AND event.position = first_position + ordinal
            WHERE book.code = %s""", self.book))  # fmt: skip

    def links(self) -> set[tuple[int, str, int]]:
        return set(self.scene.rows("""
            SELECT voucher_no, link, other_voucher_no FROM read.voucher_link
            WHERE book_id = (SELECT book_id FROM ledger.book WHERE code = %s)""", self.book))  # fmt: skip

    def payments(self) -> dict[str, tuple[int, int, bool]]:
        return {row[0]: row[1:] for row in self.scene.rows("""
            SELECT order_key, captured_minor, refunded_minor, voided FROM ledger.subject
            WHERE asset_id > 0
                AND book_id = (SELECT book_id FROM ledger.book WHERE code = %s)""", self.book)}  # fmt: skip


Start = Callable[[], Run]


@pytest.fixture
def start(database: TestDatabase) -> Iterator[Start]:
    """Runs in books of their own, by one worker."""
    numbers = count()
    with Scene(database.dsn()) as scene:
        worker = scene.worker(0)
        yield lambda: Run(scene, worker, f"b{next(numbers)}")
        scene.assert_whole()


orders, numbers = st.sampled_from(ORDERS), st.integers(1, 7)
amounts = st.sampled_from([10, 10, 20, 30])
pays = st.builds(Pay, st.sampled_from(["capture", "capture", "capture", "refund", "refund", "payout"]), orders, amounts)
voids = st.builds(VoidVoucher, numbers, st.booleans(), st.sampled_from([False] * 7 + [True]))
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(pays, pays, voids, voids, st.builds(Compensate, numbers), st.builds(VoidPayment, orders)),
    min_size=8,
    max_size=25,
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(stream=steps, cuts=st.sets(st.integers(0, 25), max_size=10))
def test_what_is_taken_back_ends_where_the_model_does(start: Start, stream: list[Step], cuts: set[int]) -> None:
    run = start()
    model = run.play(stream, cuts)
    assert run.outcomes() == model.outcomes
    assert run.links() == model.links
    paid = {one.order for one in model.vouchers if one.kind == "capture"}
    assert run.payments() == {
        order: (model.captured(order), model.total(order, "refund"), order in model.voided) for order in paid
    }
    assert run.scene.balance_minor(SELLER, run.book) == -sum(one.worth for one in model.vouchers)
