"""What is wrong with vouchers by hand, groups of them, and voids by request."""

from collections.abc import Callable, Mapping
from typing import Any

from deploy.demo.messages import Message
from ledger_core.domain.outcomes import Code
from tests.support.account_events import frozen
from tests.support.faults.payments import posted_before, step
from tests.support.faults.telling import ACCOUNTS, MOST, Fault, Telling, long_ago, parked
from tests.support.hold_events import LONG_AGO
from tests.support.postings import COMPENSATING, TIME, captured, event, refunded, void_requested


def line(account: str, side: str, amount: int, currency: str = "EUR") -> dict[str, object]:
    return {"account": account, "side": side, "amount_minor": str(amount), "currency": currency}


def voucher(number: int) -> Telling:
    telling = Telling(number, "voucher.requested.v1", {"kind": "transfer"})
    telling.data["lines"] = lines = [
        line(telling.name("wallet:payer"), "debit", 100), line(telling.name("wallet:payee"), "credit", 100)
    ]  # fmt: skip

    def credit(account: str, amount: int, currency: str) -> None:
        lines.extend([
            line(telling.name("wallet:payer"), "debit", amount, currency), line(account, "credit", amount, currency)
        ])  # fmt: skip

    def debit(account: str, amount: int) -> None:
        lines.extend([line(account, "debit", amount), line(telling.name("wallet:payee"), "credit", amount)])

    telling.credit, telling.debit = credit, debit
    return telling


QUOTE = {"rate": "1.1", "source": "/ecb", "quoted_at": TIME, "provider": "p", "base": "USD", "counter": "GBP"}


def _unbalanced(telling: Telling) -> None:
    telling.data["lines"].append(line(telling.name("wallet:payee"), "credit", 1))


def _too_large(telling: Telling) -> None:
    for _ in range(10):
        telling.credit(telling.name("wallet:large"), MOST, "EUR")


def _unknown_voucher(telling: Telling) -> None:
    telling.data |= {"kind": "adjustment", "adjustment": COMPENSATING, "compensates": {"voucher_no": "999999"}}


def _both_sides(telling: Telling) -> None:
    telling.credit(telling.name("wallet:same"), 1, "EUR")
    telling.debit(telling.name("wallet:same"), 1)


def _other_rate(telling: Telling) -> None:
    """An exchange whose amounts are not at the rate of its quote."""
    telling.data |= {"kind": "fx", "quote": {**QUOTE, "base": "EUR", "counter": "USD"}}
    telling.data["lines"] += [
        line(telling.name("wallet:payer"), "debit", 100), line("control:TRADING", "credit", 100),
        line("control:TRADING", "debit", 500, "USD"), line(telling.name("wallet:dollars"), "credit", 500, "USD"),
    ]  # fmt: skip


VOUCHER: Mapping[Code, Fault] = {
    Code.VOUCHER_UNKNOWN: _unknown_voucher,
    Code.QUOTE_MISMATCH: _other_rate,
    Code.FX_QUOTE_INVALID: lambda telling: telling.data.__setitem__("quote", QUOTE),
    Code.SIGN_OFFS_NOT_DISTINCT: lambda telling: telling.data.__setitem__("signed_off_by", ["anna", " Anna"]),
    Code.VOUCHER_UNBALANCED: _unbalanced,
    Code.SUM_TOO_LARGE: _too_large,
    Code.SAME_ACCOUNT_BOTH_SIDES: _both_sides,
    Code.LIMIT_MINIMUM: lambda telling: telling.debit(telling.name("wallet:low"), 1),
    **ACCOUNTS,
    Code.ORDER_KEY_PARKED: parked,
}


def group(number: int) -> Telling:
    """What is wrong is wrong with its second member, or by turns with the first: each fault takes the other one."""
    first, second = voucher(number), voucher(number)
    telling = Telling(number, "voucher.group_requested.v1", {"vouchers": [first.data, second.data]})
    turns = [second, first]

    def credit(account: str, amount: int, currency: str) -> None:
        turns[0].credit(account, amount, currency)
        turns.reverse()

    def debit(account: str, amount: int) -> None:
        turns[0].debit(account, amount)
        turns.reverse()

    telling.credit, telling.debit = credit, debit
    return telling


def _of_first_member(fault: Fault) -> Fault:
    def put(telling: Telling) -> None:
        inner = Telling(telling.number, "", telling.data["vouchers"][0], credit=telling.credit)
        fault(inner)

    return put


GROUP: Mapping[Code, Fault] = {
    Code.FX_QUOTE_INVALID: _of_first_member(VOUCHER[Code.FX_QUOTE_INVALID]),
    Code.VOUCHER_UNBALANCED: _of_first_member(_unbalanced),
    Code.VOUCHER_UNKNOWN: _of_first_member(_unknown_voucher),
    Code.LIMIT_MINIMUM: VOUCHER[Code.LIMIT_MINIMUM],
    **ACCOUNTS,
    Code.ORDER_KEY_PARKED: parked,
}


def void(number: int) -> Telling:
    telling = Telling(number, "voucher.void_requested.v1", {"reason": "posted twice"})
    telling.first(captured(telling.key, to=telling.name("wallet:payee")))
    _names(f"captured-{telling.key}")(telling)
    return telling


def _names(event_id: str) -> Fault:
    return lambda telling: telling.data.__setitem__("voucher", {"event_id": event_id})


def _of_kind(kind: str) -> Fault:
    """Names a voucher of this kind, of the same order key."""

    def put(telling: Telling) -> None:
        data: dict[str, Any] = {"kind": kind, "lines": [line("wallet:a", "debit", 1), line("wallet:b", "credit", 1)]}
        if kind == "inventory_adjustment":
            data["adjustment"] = {"reason": "correction", "reference": "count 7"}
        telling.first(event("voucher.requested.v1", telling.key, telling.name(kind), data))
        _names(telling.name(kind))(telling)

    return put


def _of_step(telling: Telling) -> None:
    telling.first(step("settlement.confirmed.v1", amount_minor="60")(telling.key))
    _names(f"settlement.confirmed.v1-1-{telling.key}")(telling)


def _of_mirror(telling: Telling) -> None:
    _reversed_before(telling)
    _names(f"void-{telling.key}-0captured-{telling.key}")(telling)


def _reversed_before(telling: Telling) -> None:
    telling.first(void_requested(telling.key, of=f"captured-{telling.key}"))


def _of_nothing(telling: Telling) -> None:
    telling.data["voucher"] = {"voucher_no": "999999"}


def _of_another_key(telling: Telling) -> None:
    telling.given_key = telling.name("another")


def _account_changes(change: Callable[[str], Message]) -> Fault:
    return lambda telling: telling.first(change(telling.name("wallet:payee")))


def _of_closed_period(telling: Telling) -> None:
    """What it names took effect long ago; the period is closed once everything is posted that comes before."""
    telling.before[0] = captured(telling.key, to=telling.name("wallet:payee"), time=LONG_AGO)


VOID: Mapping[Code, Fault] = {
    Code.VOUCHER_PERIOD_CLOSED: _of_closed_period,
    Code.VOID_AFTER_REFUND: posted_before(lambda key: refunded(key, 1)),
    Code.STEP_NOT_VOIDABLE: _of_step,
    Code.COGS_NOT_VOIDABLE: _of_kind("cogs"),
    Code.INVENTORY_ADJUSTMENT_NOT_VOIDABLE: _of_kind("inventory_adjustment"),
    Code.ALREADY_REVERSED: _reversed_before,
    Code.REVERSAL_NOT_REVERSIBLE: _of_mirror,
    Code.VOUCHER_UNKNOWN: _of_nothing,
    Code.ACCOUNT_FROZEN: _account_changes(frozen),
    Code.PERIOD_CLOSED: long_ago,
    Code.ORDER_KEY_DIFFERS: _of_another_key,
    Code.ORDER_KEY_PARKED: parked,
}
