"""What is wrong with openings, freezes and closings of accounts."""

from collections.abc import Callable, Mapping

from ledger_core.domain.outcomes import Code
from tests.support.account_events import closed, frozen, opened, unfrozen
from tests.support.faults.by_hand import line
from tests.support.faults.telling import ACCOUNTS, Fault, Telling, parked
from tests.support.hold_events import placed
from tests.support.postings import captured, event


def account_change(kind: str, **data: object) -> Callable[[int], Telling]:
    """A change of an account, which is its order key."""

    def make(number: int) -> Telling:
        code = f"wallet:own:{number}"
        telling = Telling(number, kind, {"account": code, **data}, given_key=code)
        if kind != "account.opened.v1":
            telling.first(opened(code))
        return telling

    return make


def _other_account(telling: Telling) -> None:
    telling.data["account"] = "wallet:other"


def closing(number: int) -> Telling:
    telling = account_change("account.closed.v1", reason="a test", closing={"to": f"wallet:heir:{number}"})(number)
    telling.first(captured(telling.name("paid"), to=telling.key), opened(telling.name("wallet:heir")))

    def credit(account: str, amount: int, _currency: str) -> None:
        telling.data["closing"] = {"to": account}

    telling.credit = credit
    return telling


def closing_kept(number: int) -> Telling:
    """Of an account that is kept per order key."""
    telling = account_change("account.closed.v1", reason="a test")(number)
    telling.before = [opened(telling.key, keyed=True)]
    return telling


def _uneven_keys(telling: Telling) -> None:
    for key, sides in (("one", ("debit", "credit")), ("other", ("credit", "debit"))):
        names = (telling.key, telling.name("wallet:payer"))
        lines = [line(account, side, 1) for account, side in zip(names, sides, strict=True)]
        order = telling.name(key)
        telling.first(event("voucher.requested.v1", order, f"kept-{order}", {"kind": "transfer", "lines": lines}))


KEPT: Mapping[Code, Fault] = {
    Code.ACCOUNT_HELD: lambda telling: telling.first(placed(telling.name("hold"), 1, of=telling.key)),
    Code.ACCOUNT_KEYS_NOT_ZERO: _uneven_keys,
    Code.ORDER_KEY_PARKED: parked,
}


def _nowhere_to_go(telling: Telling) -> None:
    del telling.data["closing"]


def _heir_is_full(telling: Telling) -> None:
    telling.first(opened(telling.name("wallet:high")))
    telling.credit(telling.name("wallet:high"), 1, "EUR")


CLOSING: Mapping[Code, Fault] = {
    Code.DATA_INVALID: _other_account,
    **{code: fault for code, fault in ACCOUNTS.items() if code not in (Code.CONTROL_ACCOUNT_MISSING, Code.OVERFLOW)},
    Code.LIMIT_MAXIMUM: _heir_is_full,
    Code.ACCOUNT_HELD: lambda telling: telling.first(placed(telling.name("hold"), 1, of=telling.key)),
    Code.ACCOUNT_NOT_ZERO: _nowhere_to_go,
    Code.ORDER_KEY_PARKED: parked,
}
OPENING: Mapping[Code, Fault] = {
    Code.DATA_INVALID: _other_account,
    Code.ACCOUNT_EXISTS_DIFFERENTLY: lambda telling: telling.first(opened(telling.key, account_type="asset")),
    Code.ACCOUNT_CLOSED: lambda telling: telling.first(
        opened(telling.key, account_type="asset", event_id=telling.name("once")), closed(telling.key)
    ),
    Code.ORDER_KEY_PARKED: parked,
}
FREEZING: Mapping[Code, Fault] = {
    Code.DATA_INVALID: _other_account,
    Code.ACCOUNT_ALREADY_FROZEN: lambda telling: telling.first(frozen(telling.key)),
    Code.ACCOUNT_CLOSED: lambda telling: telling.first(closed(telling.key)),
    Code.ORDER_KEY_PARKED: parked,
}
THAWING: Mapping[Code, Fault] = {
    Code.DATA_INVALID: _other_account,
    Code.ACCOUNT_NOT_FROZEN: lambda telling: telling.first(unfrozen(telling.key, event_id=telling.name("thawed"))),
    Code.ACCOUNT_CLOSED: lambda telling: telling.first(closed(telling.key)),
    Code.ORDER_KEY_PARKED: parked,
}


def thaw(number: int) -> Telling:
    telling = account_change("account.unfrozen.v1", reason="a test")(number)
    telling.first(frozen(telling.key))
    return telling
