"""The folds of the read models, as tables and as properties: however the log is cut, the sums agree."""

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
    event.state["reverses"] = [{"position": 1, "event_type": TYPES.get(of, "voucher.requested.v1")}]
    event.state["mirrored"] = ["payment", "seller_share"]
    return event


def _by_hand(event: LedgerEvent) -> LedgerEvent:
    event.state["event_type"] = "voucher.requested.v1"
    return event


def change(position: int = 1, family: str = "payment", **sums: object) -> PaymentChange:
    """What is expected of one event at noon, or of several up to a position."""
    expected = PaymentChange(family, NOON, 1)
    expected.positions = list(range(1, position + 1))
    for name, value in sums.items():
        setattr(expected, name, value)
    return expected


def folded(*batch: LedgerEvent) -> PaymentRows:
    rows: PaymentRows = {}
    fold_payments(batch, rows)
    return rows


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (fact("authorization", 500), change(currency="BRL", authorised_minor=500)),
        (voucher("capture", 500), change(currency="BRL", captured_minor=500, captures=1)),
        (voucher("refund", 200), change(refunded_minor=200, refunds=1)),
        (voucher("void", 500), change(voided_minor=500, voided=True)),
        (fact("void", None), change(voided=True)),
    ],
    ids=["authorisation", "capture", "refund", "void after capture", "void before capture"],
)
def test_each_kind_of_event_adds_to_its_own_sum(event: LedgerEvent, expected: PaymentChange) -> None:
    assert folded(event) == {(1, "o1"): expected}


@pytest.mark.parametrize(("kind", "reversed_minor"), [("capture", 500), ("refund", 0)])
def test_what_is_taken_back_by_request_leaves_its_sum(kind: str, reversed_minor: int) -> None:
    currency = "BRL" if kind == "capture" else ""
    expected = change(2, currency=currency, reversed_minor=reversed_minor)
    assert folded(voucher(kind, 500), reversal(kind)) == {(1, "o1"): expected}


def with_fees(event: LedgerEvent, commission: str, side: str = "C") -> LedgerEvent:
    event.state["lines"] = [*event.state["lines"], ["fees", side, commission, "BRL", "platform_fee"]]
    return event


def test_commission_is_what_the_platform_keeps_of_captures_refunds_and_voids() -> None:
    captures = [with_fees(voucher("capture", 500), "50"), with_fees(voucher("capture", 100), "10")]
    assert folded(*captures)[1, "o1"].commission_minor == 60
    assert folded(*captures, with_fees(voucher("refund", 100), "10", "D"))[1, "o1"].commission_minor == 50
    void = with_fees(voucher("void", 500), "50", "D")
    void.state["lines"] = [[*line[:4], "reversal"] for line in void.state["lines"]]
    void.state["mirrored"] = ["payment", "seller_share", "platform_fee"]
    assert folded(captures[0], void)[1, "o1"].commission_minor == 0


def story(event_type: str, amount: int = 0, *, posted: bool = True, **said: str) -> LedgerEvent:
    event = voucher("step", amount) if posted else fact("authorization", amount)
    event.state.update({"event_type": f"{event_type}.v1", **said})  # type: ignore[typeddict-item]  # what steps say
    return event


CAPTURED = voucher("capture", 500)
SETTLED = story("settlement.confirmed", 500, fee_minor="9")
UNSETTLED = story("settlement.failed")
UNSETTLED.state["lines"] = [["processor-fees", "C", "9", "BRL", "reversal"]]
UNSETTLED.state["mirrored"] = ["fee"]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([story("chargeback.opened", 300, fee_minor="15")], {"disputed_minor": 300, "fees_minor": 15}),
        (
            [story("chargeback.opened", 300, fee_minor="15"), story("chargeback.won", 300, fee_minor="15")],
            {"disputed_minor": 0, "fees_minor": 0},
        ),
        (
            [story("chargeback.opened", 300), story("chargeback.lost", 300, fee_minor="20")],
            {"disputed_minor": 300, "fees_minor": 20},
        ),
        ([SETTLED], {"executed": 1, "final": 0, "fees_minor": 9}),
        ([SETTLED, story("settlement.finality_confirmed", 491)], {"executed": 1, "final": 1}),
        ([SETTLED, UNSETTLED], {"executed": 0, "unexecuted": 1, "fees_minor": 0}),
        ([story("settlement.failed", posted=False)], {"executed": 0, "unexecuted": 1}),
        ([story("payment.failed", posted=False)], {"failed": True}),
        ([story("payment.authorization_expired", posted=False)], {"expired": True}),
        ([story("refund.requested", 100, posted=False)], {"refunded_minor": 0, "refunds": 0}),
        ([story("refund.completed", 100)], {"refunded_minor": 100, "refunds": 1}),
    ],
)  # fmt: skip
def test_each_step_moves_its_sums(steps: list[LedgerEvent], expected: dict[str, object]) -> None:
    row = folded(CAPTURED, *steps)[1, "o1"]
    assert {name: getattr(row, name) for name in expected} == expected
    assert (row.family, len(row.positions)) == ("payment", 1 + len(steps))


@pytest.mark.parametrize(
    ("event", "family"),
    [
        (voucher("adjustment", 500), "voucher"),
        (reversal("adjustment", position=1), "voucher"),
        (LedgerEvent(1, 1, "hold.expired", "o1", EventState()), "hold"),
        (story("transfer.that_nobody_knows", 5), "transfer"),
        (
            LedgerEvent(1, 1, "event.rejected", "o1", EventState(effective_at=NOON, event_type=TYPES["capture"])),
            "payment",
        ),
    ],
    ids=["voucher by hand", "its reversal", "the ledger's own", "unknown type", "refusal"],
)
def test_what_moves_no_sum_is_still_an_event_of_its_order_key(event: LedgerEvent, family: str) -> None:
    expected = change(family=family)
    expected.first_effective_at = expected.last_effective_at = event.state.get("effective_at", "")
    assert folded(event) == {(1, "o1"): expected}


def test_an_event_without_an_order_key_is_of_no_story() -> None:
    assert folded(LedgerEvent(1, 1, "account.opened", "", EventState(currency="BRL"))) == {}


@pytest.mark.parametrize(
    ("types", "family"),
    [
        (["voucher.requested.v1", "payout.paid.v1"], "payout"),
        (["payout.paid.v1", "voucher.requested.v1"], "payout"),
        (["payout.paid.v1", "fee.charged.v1"], "payout"),
        (["fee.charged.v1", "refund.requested.v1", "fee.charged.v1"], "payment"),
    ],
)
def test_the_family_is_a_payment_above_all_and_a_voucher_by_hand_below_all(types: list[str], family: str) -> None:
    batch = [LedgerEvent(1, n, "event.parked", "o1", EventState(event_type=name)) for n, name in enumerate(types)]
    assert folded(*batch)[1, "o1"].family == family


def test_times_are_the_first_and_last_by_effect_not_by_arrival() -> None:
    batch = [fact("authorization", 5, EVENING, position=1), voucher("capture", 5, NOON, position=2)]
    row = folded(*batch, voucher("refund", 5, NEXT_DAY, position=3))[1, "o1"]
    assert (row.first_effective_at, row.last_effective_at, row.positions) == (NOON, NEXT_DAY, [1, 2, 3])


def test_movements_are_kept_apart_by_account_and_utc_day() -> None:
    rows = MovementRows()
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
    rows = MovementRows()
    fold_movements([event], rows)
    assert rows[1, "clearing", "2026-03-01"] == Movement("BRL", 5, 0, 1)


events = st.builds(
    voucher,
    st.sampled_from(["capture", "refund", "payout", "void", "adjustment"]),
    st.integers(1, 10**18 - 1),
    st.sampled_from([NOON, EVENING, NEXT_DAY]),
    key=st.sampled_from(["o1", "o2"]),
) | st.builds(reversal, st.sampled_from(["capture", "refund"]), st.integers(1, 10**18 - 1))


@given(st.lists(events, max_size=30))
def test_movements_of_every_day_balance(batch: list[LedgerEvent]) -> None:
    rows = MovementRows()
    fold_movements(batch, rows)
    for day in {day for _, _, day in rows}:
        of_day = [row for (_, _, at), row in rows.items() if at == day]
        assert sum(row.debits_minor for row in of_day) == sum(row.credits_minor for row in of_day)


def test_an_event_without_a_time_leaves_the_first_time_to_the_next_one() -> None:
    row = folded(voucher("capture", 1, ""), voucher("capture", 1, NOON), voucher("capture", 1, EVENING))[1, "o1"]
    assert (row.first_effective_at, row.last_effective_at) == (NOON, EVENING)


@given(st.lists(events, max_size=30), st.integers(0, 30))
def test_a_batch_cut_in_two_gives_the_same_rows(batch: list[LedgerEvent], cut: int) -> None:
    payments: PaymentRows = {}
    in_two: PaymentRows = {}
    fold_payments(batch, payments)
    fold_payments(batch[:cut], in_two)
    fold_payments(batch[cut:], in_two)
    assert payments == in_two
    movements = MovementRows()
    movements_in_two = MovementRows()
    fold_movements(batch, movements)
    fold_movements(batch[:cut], movements_in_two)
    fold_movements(batch[cut:], movements_in_two)
    assert movements == movements_in_two
