"""Events of the model of the complete ledger as services send them."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from deploy.demo.messages import Message
from tests.models import complete as plain
from tests.models.complete.events import TODAY
from tests.support.hold_events import LONG_AGO, LONG_DUE
from tests.support.postings import event

SIDES = {"D": "debit", "C": "credit"}
PAYMENTS: Mapping[type, str] = MappingProxyType({
    plain.Authorize: "payment.authorized.v1", plain.Pay: "payment.captured.v1", plain.Refund: "payment.refunded.v1",
    plain.VoidPayment: "payment.voided.v1",
})  # fmt: skip
ACCOUNTS: Mapping[type, str] = MappingProxyType({
    plain.OpenAccount: "account.opened.v1", plain.Freeze: "account.frozen.v1", plain.Unfreeze: "account.unfrozen.v1",
    plain.CloseAccount: "account.closed.v1",
})  # fmt: skip

Data = dict[str, Any]


def message(one: plain.Event, book: str) -> Message:
    kind, data = _wire(one)
    time = LONG_AGO if isinstance(one, plain.Place) and one.due else moment(one.day)
    return event(kind, one.order, one.event_id, data, book=book, time=time)


def moment(day: str) -> str:
    return f"{day}T08:46:53.000007Z"


def wire_limits(minimum: int | None, maximum: int | None, policy: str) -> dict[str, object]:
    limits: dict[str, str] = {"policy": policy}
    if minimum is not None:
        limits |= {"overdraft_minor": str(-minimum)} if minimum < 0 else {"minimum_minor": str(minimum)}
    if maximum is not None:
        limits["maximum_minor"] = str(maximum)
    return {"limits": limits}


def _wire(one: plain.Event) -> tuple[str, Data]:
    """Type and data of an event."""
    if isinstance(one, plain.Voucher):
        return "voucher.requested.v1", _voucher(one)
    if isinstance(one, plain.Group):
        return "voucher.group_requested.v1", {"vouchers": [_voucher(member) for member in one.members]}
    if isinstance(one, plain.Void):
        voucher = {"voucher_no": str(one.number)} if one.number else {"event_id": one.of}
        knowingly: Data = {"in_open_period": True} if one.in_open_period else {}
        return "voucher.void_requested.v1", {"voucher": voucher, "reason": "a mistake", **knowingly}
    if isinstance(one, plain.Place | plain.Capture | plain.Release):
        return _hold(one)
    if type(one) in PAYMENTS:
        return PAYMENTS[type(one)], _PAYMENT_DATA[type(one)](one)
    return ACCOUNTS[type(one)], _account(one)


def _voucher(one: plain.Voucher) -> Data:
    data: Data = {"kind": one.kind, "lines": _lines(one.lines)}
    if one.splits:
        data["splits"] = [_split(split) for split in one.splits]
    if one.day != TODAY:
        data["effective_at"] = moment(one.day)
    if one.adjusts:
        data["adjustment"] = {"reason": "compensating" if one.compensates else "correction", "reference": "case 7"}
    if one.compensates:
        data["compensates"] = {"event_id": one.compensates}
    if one.quote is not None:
        data["quote"] = {
            "rate": one.quote.rate, "base": one.quote.base, "counter": one.quote.counter, "provider": "bank",
            "source": "desk", "quoted_at": "2026-10-03T14:59:41Z",
        }  # fmt: skip
    return data


def _split(split: plain.Split) -> Data:
    among = [{"account": account, "ratio": weight} for account, weight in split.among]
    data: Data = {
        "amount_minor": str(split.amount), "currency": split.currency, "side": "credit", "among": among,
    }  # fmt: skip
    return data | ({"remainder_to": split.remainder_to} if split.remainder_to else {})


def _lines(content: Sequence[plain.Line]) -> list[dict[str, str]]:
    return [
        {
            "account": "control:TRADING" if account.startswith("trading:") else account,
            "side": SIDES[side],
            "amount_minor": str(amount),
            "currency": currency,
        }
        for account, side, amount, currency in content
    ]


def _hold(one: plain.Place | plain.Capture | plain.Release) -> tuple[str, Data]:
    if isinstance(one, plain.Place):
        data: Data = {
            "hold_id": one.order, "account": one.account, "amount_minor": str(one.amount), "currency": "EUR",
            "capture_tolerance_bps": one.tolerance_bps,
        }  # fmt: skip
        return "hold.placed.v1", data | ({"expires_at": LONG_DUE} if one.due else {})
    if isinstance(one, plain.Capture):
        to_whom = [{"account": one.to, "amount_minor": str(one.amount)}]
        return "hold.captured.v1", {"hold_id": one.order, "to": to_whom, "final": one.final}
    return "hold.released.v1", {"hold_id": one.order}


def _authorization(one: Any) -> Data:
    return {"payment_id": one.order, "amount_minor": str(one.amount), "currency": one.currency, "method": "card"}


def _payment(one: Any) -> Data:
    return {**_authorization(one), "beneficiaries": [{"account": one.to, "amount_minor": str(one.amount)}]}


def _refund(one: Any) -> Data:
    data = _payment(one) | {"refund_id": one.event_id}
    del data["method"]
    return data


def _void(one: Any) -> Data:
    return {"payment_id": one.order}


_PAYMENT_DATA: Mapping[type, Callable[[Any], Data]] = MappingProxyType({
    plain.Authorize: _authorization, plain.Pay: _payment, plain.Refund: _refund, plain.VoidPayment: _void,
})  # fmt: skip


def _account(one: plain.Event) -> Data:
    if isinstance(one, plain.OpenAccount):
        return {"account": one.order, "type": one.type, "currency": one.currency}
    data: Data = {"account": one.order, "reason": "a test"}
    if isinstance(one, plain.CloseAccount) and one.to:
        data["closing"] = {"to": one.to}
    return data
