"""What an event can say of an account itself: that it opens, takes no entries for now or again, or closes for ever."""

from dataclasses import dataclass, field
from typing import NamedTuple

from ledger_core.domain.account_types import AccountType
from ledger_core.domain.limits import Limits

ACCOUNT_WAITED_FOR = "account:"
"""With the code behind it: what an event waits for that needs an account to be open."""


@dataclass(slots=True)
class AccountOpened:
    """Members that are None are not said: an account that is open already may have any of them."""

    account: str
    type: AccountType
    currency: str
    role: str | None = None
    keyed: bool | None = None
    parent: str | None = None
    limits: Limits | None = None
    requested_by: str = ""


@dataclass(slots=True)
class AccountFrozen:
    """It takes no entries from here on."""

    account: str
    reason: str
    requested_by: str = ""


@dataclass(slots=True)
class AccountUnfrozen:
    """It takes entries again."""

    account: str
    reason: str
    requested_by: str = ""


@dataclass(slots=True)
class AccountClosed:
    """It takes nothing for ever. What is left of its balance goes to `closing_to`, where that is said."""

    account: str
    reason: str
    closing_to: str | None = None
    requested_by: str = ""


AccountChange = AccountFrozen | AccountUnfrozen | AccountClosed
AccountFact = AccountOpened | AccountChange
ACCOUNT_CHANGES = (AccountFrozen, AccountUnfrozen, AccountClosed)
"""Those that are events of the account's own."""
ACCOUNT_FACTS = (AccountOpened, *ACCOUNT_CHANGES)


class AccountTerms(NamedTuple):
    """As what an account is open."""

    type: AccountType
    currency: str
    role: str
    keyed: bool
    parent: str
    limits: Limits


@dataclass(slots=True)
class AccountStand:
    """What decisions on an account need besides its head. `version` is that of its last event."""

    version: int
    terms: AccountTerms
    uneven: dict[str, int] = field(default_factory=dict)
    """Of an account kept per order key that is asked to close: debits less credits of the keys that are not at zero."""


class Closing(NamedTuple):
    """An account that a voucher emptied closes. `reference` is where that voucher stands in the log."""

    head: int
    fact: AccountClosed
    version: int
    reference: int
