"""Voids of payments, voids by request and compensations end where a few lines of Python say, in any batches."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.demo.messages import Message
from tests.models.reversals import PARKS, Compensate, Model, Pay, Step, VoidPayment, VoidVoucher
from tests.support.databases import TestDatabase
from tests.support.postings import captured, compensation, paid_out, refunded, void_requested, voided
from tests.support.streams import Stream, streams

pytestmark = pytest.mark.postgres

ORDERS = ("o-1", "o-2")
SELLER = "wallet:seller:1"


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


class Run(Stream):
    """Every place in `cuts` ends a batch."""

    def play(self, stream: Sequence[Step], cuts: set[int]) -> Model:
        self.scene.create_book(self.book)
        model = Model()
        for place, step in enumerate(stream):
            event = f"e{place}" if not isinstance(step, Pay) or step.kind != "payout" else f"paid-out-e{place}"
            sent = message(event, step, model, self.book)
            outcome = model.decide(event, step)
            if outcome != PARKS:
                model.outcomes[event] = outcome
                self.batch.append(sent)
            if place in cuts:
                self.send()
        self.send()
        return model

    def links(self) -> set[tuple[int, str, int]]:
        return set(self.rows("""
            SELECT voucher_no, link, other_voucher_no FROM read.voucher_link
            WHERE book_id = (SELECT book_id FROM ledger.book WHERE code = %s)"""))  # fmt: skip

    def payments(self) -> dict[str, tuple[int, int, bool]]:
        return {row[0]: row[1:] for row in self.rows("""
            SELECT order_key, captured_minor, refunded_minor, voided FROM ledger.subject
            WHERE asset_id > 0
                AND book_id = (SELECT book_id FROM ledger.book WHERE code = %s)""")}  # fmt: skip


Start = Callable[[], Run]


@pytest.fixture
def start(database: TestDatabase) -> Iterator[Start]:
    """Runs in books of their own, by one worker."""
    with streams(database.dsn(), Run) as begin:
        yield begin


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
