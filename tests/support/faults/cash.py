"""What is wrong with drawers, and with cash that goes in and out of them."""

from collections.abc import Callable, Mapping

from deploy.demo.messages import Message
from ledger_core.domain.outcomes import Code
from tests.support.faults.telling import Fault, Telling, long_ago, parked
from tests.support.postings import event

DATA: Mapping[str, dict[str, object]] = {
    "drawer.opened.v1": {"counted_minor": "500", "opened_by": "anna"},
    "drawer.closed.v1": {"counted_minor": "499", "closed_by": "anna"},
    "cash.refunded.v1": {"amount_minor": "5", "refund_id": "1", "signed_off_by": ["anna", "ben"]},
}


def _data(kind: str, drawer: str) -> dict[str, object]:
    return {"account": drawer, "currency": "EUR", **DATA[kind]}


def at_drawer(kind: str, *before: str) -> Callable[[int], Telling]:
    """An event of a drawer, which is its order key, after these."""

    def make(number: int) -> Telling:
        drawer = f"cash:drawer:{number}"
        telling = Telling(number, kind, _data(kind, drawer), given_key=drawer)
        if kind.startswith("cash."):
            telling.data["against"] = telling.name("wallet:payee")
        telling.first(*(_step(one, telling) for one in before))

        def credit(account: str, _amount: int, _currency: str) -> None:
            telling.data["against"] = account

        telling.credit = credit
        return telling

    return make


def _step(kind: str, telling: Telling) -> Message:
    return event(kind, telling.key, telling.name(kind), _data(kind, telling.key))


def _before(*kinds: str) -> Fault:
    return lambda telling: telling.first(*(_step(kind, telling) for kind in kinds))


def _other_drawer(telling: Telling) -> None:
    telling.data["account"] = "cash:drawer:other"


def _signed_by_one(telling: Telling) -> None:
    telling.data["signed_off_by"] = ["anna", " Anna"]


REFUND: Mapping[Code, Fault] = {
    Code.DATA_INVALID: _other_drawer,
    Code.SIGN_OFFS_NOT_DISTINCT: _signed_by_one,
    Code.PREDECESSOR_ABSENT: lambda telling: telling.before.clear(),
    Code.ACCOUNT_MISSING: lambda telling: telling.credit(telling.name("vault"), 1, "EUR"),
    Code.PERIOD_CLOSED: long_ago,
    Code.ORDER_KEY_PARKED: parked,
}


def _from_another_drawer(telling: Telling) -> None:
    telling.data["brought"] = {"account": "cash:drawer:giver", "amount_minor": "1"}


OPENING: Mapping[Code, Fault] = {
    Code.DATA_INVALID: _other_drawer,
    Code.SIGN_OFFS_NOT_DISTINCT: _from_another_drawer,
    Code.DRAWER_OPEN: _before("drawer.opened.v1"),
    Code.PERIOD_CLOSED: long_ago,
    Code.ORDER_KEY_PARKED: parked,
}
CLOSING: Mapping[Code, Fault] = {
    Code.DATA_INVALID: _other_drawer,
    Code.DRAWER_CLOSED: _before("drawer.closed.v1"),
    Code.PERIOD_CLOSED: long_ago,
    Code.ORDER_KEY_PARKED: parked,
}
