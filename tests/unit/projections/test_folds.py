"""The folds of the read models, as tables and as properties: however the log is cut, the sums agree."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.daily_balances.fold import Movement, MovementRows, fold_movements
from projections.events import EventState, LedgerEvent
from projections.payments.fold import PaymentChange, PaymentRows, fold_payments

NOON = "2026-03-01T12:00:00.000000Z"
EVENING = "2026-03-01T23:59:59.999999Z"
NEXT_DAY = "2026-03-02T00:00:00.000000Z"
TYPES = {
    "authorization": "payment.authorized.v1", "capture": "payment.captured.v1", "refund": "payment.refunded.v1",
    "void": "payment.voided.v1", "payout": "payout.paid.v1",
}  # fmt: skip


def voucher(kind: str, amount: int, effective_at: str = NOON, *, position: int = 1, key: str = "o1") -> LedgerEvent:
    lines = [["clearing", "D", str(amount), "BRL", "payment"], ["wallet", "C", str(amount), "BRL", "seller_share"]]
    state = EventState(
        kind=kind, event_type=TYPES.get(kind, "voucher.requested.v1"), effective_at=effective_at,
        amount_minor=str(amount), currency="BRL", lines=lines,
    )  # fmt: skip
    return LedgerEvent(1, position, "voucher.posted", key, state)


def fact(kind: str, amount: int | None, effective_at: str = NOON, *, position: int = 1) -> LedgerEvent:
    state = EventState(kind=kind, event_type=TYPES[kind], effective_at=effective_at)
    if amount is not None:
        state |= {"amount_minor": str(amount), "currency": "BRL"}
    return LedgerEvent(1, position, "fact.recorded", "o1", state)


def reversal(of: str, amount: int = 500, *, position: int = 2) -> LedgerEvent:
    """A voucher that takes back, by request, one of this kind."""
    event = voucher("reversal", amount, position=position)
    event.state["event_type"] = "voucher.void_requested.v1"
    event.state["reverses"] = [{"event_type": TYPES.get(of, "voucher.requested.v1")}]
    return event


def _by_hand(event: LedgerEvent) -> LedgerEvent:
    event.state["event_type"] = "voucher.requested.v1"
    return event


BLANK = PaymentChange(NOON, NOON, 1)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (fact("authorization", 500), replace(BLANK, currency="BRL", authorised_minor=500)),
        (voucher("capture", 500), replace(BLANK, currency="BRL", captured_minor=500, captures=1)),
        (voucher("refund", 200), replace(BLANK, currency="BRL", refunded_minor=200, refunds=1)),
        (voucher("void", 500), replace(BLANK, currency="BRL", voided_minor=500, voided=True)),
        (fact("void", None), replace(BLANK, voided=True)),
        (voucher("payout", 700), replace(BLANK, currency="BRL", paid_out_minor=700)),
    ],
    ids=["authorisation", "capture", "refund", "void after capture", "void before capture", "payout"],
)
def test_each_kind_of_event_adds_to_its_own_sum(event: LedgerEvent, expected: PaymentChange) -> None:
    rows: PaymentRows = {}
    fold_payments([event], rows)
    assert rows == {(1, "o1"): expected}


@pytest.mark.parametrize(
    ("kind", "reversed_minor"),
    [("capture", 500), ("payout", 500), ("refund", 0)],
)
def test_what_is_taken_back_by_request_leaves_its_sum(kind: str, reversed_minor: int) -> None:
    rows: PaymentRows = {}
    fold_payments([voucher(kind, 500), reversal(kind)], rows)
    assert rows == {(1, "o1"): replace(BLANK, currency="BRL", last_position=2, reversed_minor=reversed_minor)}


@pytest.mark.parametrize(
    "event",
    [
        voucher("adjustment", 500),
        reversal("adjustment"),
        _by_hand(voucher("capture", 500)),
        LedgerEvent(1, 1, "event.rejected", "o1", EventState(effective_at=NOON)),
        LedgerEvent(1, 1, "account.opened", "", EventState(currency="BRL")),
    ],
    ids=["voucher of another kind", "its reversal", "voucher by hand", "refusal", "account"],
)
def test_what_says_nothing_of_a_payment_leaves_no_row(event: LedgerEvent) -> None:
    rows: PaymentRows = {}
    fold_payments([event], rows)
    assert rows == {}


def test_times_are_the_first_and_last_by_effect_not_by_arrival() -> None:
    rows: PaymentRows = {}
    events = [fact("authorization", 5, EVENING, position=1), voucher("capture", 5, NOON, position=2)]
    fold_payments([*events, voucher("refund", 5, NEXT_DAY, position=3)], rows)
    change = rows[1, "o1"]
    assert (change.first_effective_at, change.last_effective_at, change.last_position) == (NOON, NEXT_DAY, 3)


def test_movements_are_kept_apart_by_account_and_utc_day() -> None:
    rows: MovementRows = {}
    fold_movements([voucher("capture", 5, EVENING), voucher("capture", 7, NEXT_DAY), voucher("capture", 1, NOON)], rows)
    assert rows == {
        (1, "clearing", "2026-03-01"): Movement("BRL", 6, 0, 2),
        (1, "wallet", "2026-03-01"): Movement("BRL", 0, 6, 2),
        (1, "clearing", "2026-03-02"): Movement("BRL", 7, 0, 1),
        (1, "wallet", "2026-03-02"): Movement("BRL", 0, 7, 1),
    }


def test_columns_that_lines_may_gain_do_not_disturb() -> None:
    event = voucher("capture", 5)
    event.state["lines"] = [[*line, "something new"] for line in event.state["lines"]]
    rows: MovementRows = {}
    fold_movements([event], rows)
    assert rows[1, "clearing", "2026-03-01"] == Movement("BRL", 5, 0, 1)


events = st.builds(
    voucher,
    st.sampled_from(["capture", "refund", "payout", "void", "adjustment"]),
    st.integers(1, 10**18 - 1),
    st.sampled_from([NOON, EVENING, NEXT_DAY]),
    key=st.sampled_from(["o1", "o2"]),
) | st.builds(reversal, st.sampled_from(["capture", "refund", "payout"]), st.integers(1, 10**18 - 1))


@given(st.lists(events, max_size=30))
def test_movements_of_every_day_balance(batch: list[LedgerEvent]) -> None:
    rows: MovementRows = {}
    fold_movements(batch, rows)
    for day in {day for _, _, day in rows}:
        of_day = [row for (_, _, at), row in rows.items() if at == day]
        assert sum(row.debits_minor for row in of_day) == sum(row.credits_minor for row in of_day)


@given(st.lists(events, max_size=30), st.integers(0, 30))
def test_a_batch_cut_in_two_gives_the_same_rows(batch: list[LedgerEvent], cut: int) -> None:
    payments: PaymentRows = {}
    in_two: PaymentRows = {}
    fold_payments(batch, payments)
    fold_payments(batch[:cut], in_two)
    fold_payments(batch[cut:], in_two)
    assert payments == in_two
    movements: MovementRows = {}
    movements_in_two: MovementRows = {}
    fold_movements(batch, movements)
    fold_movements(batch[:cut], movements_in_two)
    fold_movements(batch[cut:], movements_in_two)
    assert movements == movements_in_two
