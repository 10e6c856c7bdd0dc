"""The fold of beneficiaries: what each voucher moves on the accounts that it is for."""

import pytest

from projections.beneficiaries.fold import BeneficiaryRows, fold_beneficiaries
from projections.events import EventState, LedgerEvent

NOON = "2026-03-01T12:00:00.000000Z"
Sums = dict[str, dict[str, int]]


def voucher(event_type: str, *lines: str, **said: object) -> LedgerEvent:
    """Lines as `account side amount purpose`."""
    written = [[account, side, amount, "BRL", purpose] for account, side, amount, purpose in map(str.split, lines)]
    state = EventState(event_type=f"{event_type}.v1", effective_at=NOON, currency="BRL", lines=written)
    state.update(said)  # type: ignore[typeddict-item]  # what such a voucher says
    return LedgerEvent(1, 1, "voucher.posted", "o1", state)


def sums_of(*events: LedgerEvent) -> Sums:
    """What is not zero, by account."""
    rows: BeneficiaryRows = {}
    fold_beneficiaries(events, rows)
    names = ("earned", "commission", "refunded", "disputed", "paid_out", "fees")
    return {
        account: {name: sum_minor for name in names if (sum_minor := getattr(row, f"{name}_minor"))}
        for (_, account), row in rows.items()
    }


ONE = voucher("payment.captured", "clearing D 100 payment", "a C 90 seller_share", "fees C 10 platform_fee")
TWO = voucher(
    "payment.captured", "clearing D 100 payment", "a C 54 seller_share", "b C 38 seller_share", "fees C 8 platform_fee",
    commissions={"a": "6", "b": "2"},
)  # fmt: skip
DISPUTE = voucher("chargeback.opened", "a D 36 seller_share", "fees D 4 platform_fee", "reserve C 40 chargeback")
MIRRORED = ["payment", "seller_share", "platform_fee"]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([ONE], {"a": {"earned": 90, "commission": 10}}),
        ([TWO], {"a": {"earned": 54, "commission": 6}, "b": {"earned": 38, "commission": 2}}),
        ([voucher("payment.captured", "clearing D 5 payment", "fees C 5 platform_fee", commissions={"a": "5"})],
         {"a": {"commission": 5}}),
        ([voucher("payment.captured", "clearing D 5 payment", "suspense C 5 suspense")], {}),
        ([ONE, voucher("refund.completed", "clearing C 40 refund", "a D 36 seller_share", "fees D 4 platform_fee")],
         {"a": {"earned": 90, "commission": 6, "refunded": 36}}),
        ([ONE, voucher("payment.refunded", "clearing C 40 refund", "a D 40 seller_share")],
         {"a": {"earned": 90, "commission": 10, "refunded": 40}}),
        ([ONE, DISPUTE], {"a": {"earned": 90, "commission": 6, "disputed": 36}}),
        ([ONE, DISPUTE, voucher("chargeback.won", "a C 36 reversal", "fees C 4 reversal", "reserve D 40 reversal",
                                mirrored=["seller_share", "platform_fee", "chargeback"], commissions={"a": "4"})],
         {"a": {"earned": 90, "commission": 10}}),
        ([ONE, voucher("payment.voided", "clearing C 100 reversal", "a D 90 reversal", "fees D 10 reversal",
                       mirrored=MIRRORED, commissions={"a": "10"}, reverses=[{"event_type": "payment.captured.v1"}])],
         {"a": {}}),
        ([ONE, voucher("voucher.void_requested", "clearing C 100 reversal", "a D 90 reversal", "fees D 10 reversal",
                       mirrored=MIRRORED, reverses=[{"event_type": "payment.captured.v1"}])],
         {"a": {}}),
        ([voucher("payout.requested", "a D 70 payout", "transit C 70 payout"),
          voucher("payout.paid", "transit D 70 reversal", "cash C 70 payout", mirrored=["payout"])],
         {"a": {"paid_out": 70}}),
        ([voucher("payout.paid", "a D 70 payout", "cash C 70 payout"),
          voucher("payout.returned", "a C 70 reversal", "cash D 70 reversal", mirrored=["payout", "payout"])],
         {"a": {}}),
        ([voucher("payout.paid", "a D 70 payout", "cash C 70 payout"),
          voucher("voucher.void_requested", "a C 70 reversal", "cash D 70 reversal", mirrored=["payout", "payout"],
                  reverses=[{"event_type": "payout.paid.v1"}])],
         {"a": {}}),
        ([voucher("fee.charged", "a D 9 fee", "fees C 9 fee"), voucher("fee.refunded", "a C 4 fee", "fees D 4 fee")],
         {"a": {"fees": 5}}),
        ([voucher("voucher.requested", "a C 9 seller_share", "cash D 9 payment")], {}),
    ],
)  # fmt: skip
def test_each_voucher_moves_its_sums(events: list[LedgerEvent], expected: Sums) -> None:
    assert sums_of(*events) == expected
