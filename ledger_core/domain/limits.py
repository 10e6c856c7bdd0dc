"""What an account may hold: a minimum and a maximum of its balance, and what becomes of a voucher that passes one.

Balances count on the account's normal side. The minimum is compared with what is available (posted less what holds
will take), the maximum with what is posted. A limit minds only what moves the balance further beyond it: an account
that was overdrawn before its limit came may still be paid into.
"""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.vouchers import Side

Policy = Literal["A", "W", "D"]
"""As the head keeps it: A allow, W warn, D deny."""

ALLOW: Final[Policy] = "A"
WARN: Final[Policy] = "W"
DENY: Final[Policy] = "D"

POLICIES: Final[dict[str, Policy]] = {"allow": ALLOW, "warn": WARN, "deny": DENY}
POLICY_NAMES: Final[dict[Policy, str]] = {policy: name for name, policy in POLICIES.items()}


@dataclass(slots=True, frozen=True)
class Limits:
    """Limits of one account in minor units, on its normal side. A negative minimum is an overdraft.

    `allow` keeps them for information only, `warn` posts and says so, `deny` refuses.
    """

    minimum_minor: int | None = None
    maximum_minor: int | None = None
    policy: Policy = ALLOW

    @property
    def impossible(self) -> bool:
        """True when no balance could keep both."""
        low, high = self.minimum_minor, self.maximum_minor
        return low is not None and high is not None and low > high


NO_LIMITS: Final = Limits()


class Standing(NamedTuple):
    """Where an account stands on its normal side."""

    posted_minor: int
    available_minor: int


class Counters(NamedTuple):
    """Counters of a head in minor units: what is posted, and what holds will take on each side."""

    debits_minor: int
    credits_minor: int
    debits_pending_minor: int = 0
    credits_pending_minor: int = 0


def standing(normal_side: Side, counters: Counters) -> Standing:
    """Posted and available balance. Only what will leave the account lowers what is available."""
    if normal_side == "D":
        posted_minor = counters.debits_minor - counters.credits_minor
        return Standing(posted_minor, posted_minor - counters.credits_pending_minor)
    posted_minor = counters.credits_minor - counters.debits_minor
    return Standing(posted_minor, posted_minor - counters.debits_pending_minor)


def refuse(account: str, limits: Limits, before: Standing, after: Standing) -> Refusal | None:
    """Why an account with policy `deny` may not come to stand like this; None when it may."""
    if limits.policy != DENY:
        return None
    minimum, maximum = limits.minimum_minor, limits.maximum_minor
    if minimum is not None and minimum > after.available_minor < before.available_minor:
        detail = f"{account} would have {after.available_minor} available, its minimum is {minimum}"
        return Refusal(Code.LIMIT_MINIMUM, detail)
    if maximum is not None and maximum < after.posted_minor > before.posted_minor:
        detail = f"{account} would hold {after.posted_minor}, its maximum is {maximum}"
        return Refusal(Code.LIMIT_MAXIMUM, detail)
    return None


def falls_below(limits: Limits, before: Standing, after: Standing) -> bool:
    """True when an account with policy `warn` crosses its minimum on the way down: said once per crossing."""
    minimum = limits.minimum_minor
    return limits.policy == WARN and minimum is not None and before.available_minor >= minimum > after.available_minor


def rises_above(limits: Limits, before: Standing, after: Standing) -> bool:
    """True when an account with policy `warn` crosses its maximum on the way up."""
    maximum = limits.maximum_minor
    return limits.policy == WARN and maximum is not None and before.posted_minor <= maximum < after.posted_minor
