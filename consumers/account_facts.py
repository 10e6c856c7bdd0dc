"""Turns validated account events into the core's facts."""

from ledger_core.domain.account_facts import AccountClosed, AccountFrozen, AccountOpened, AccountUnfrozen
from ledger_core.domain.limits import POLICIES, Limits
from schemas.events.accounts import AccountClosedV1, AccountFrozenV1, AccountOpenedV1, AccountUnfrozenV1, LimitsData


def account_opened(data: AccountOpenedV1) -> AccountOpened:
    limits = data.get("limits")
    return AccountOpened(
        data["account"],
        data["type"],
        data["currency"],
        data.get("role"),
        data.get("keyed"),
        data.get("parent"),
        _limits(limits) if limits is not None else None,
        data.get("requested_by", ""),
    )


def _limits(data: LimitsData) -> Limits:
    low, high = data.get("minimum_minor"), data.get("maximum_minor")
    return Limits(
        None if low is None else int(low),
        None if high is None else int(high),
        POLICIES[data["policy"]],
    )


def account_frozen(data: AccountFrozenV1) -> AccountFrozen:
    return AccountFrozen(data["account"], data["reason"], data.get("requested_by", ""))


def account_unfrozen(data: AccountUnfrozenV1) -> AccountUnfrozen:
    return AccountUnfrozen(data["account"], data["reason"], data.get("requested_by", ""))


def account_closed(data: AccountClosedV1) -> AccountClosed:
    closing = data.get("closing")
    closing_to = closing["to"] if closing is not None else None
    return AccountClosed(data["account"], data["reason"], closing_to, data.get("requested_by", ""))
