"""Accounts, and their balances now and at a position."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from psycopg.rows import args_row

from ledger_core.domain.account_types import NORMAL_SIDE, AccountType
from ledger_core.domain.limits import POLICY_NAMES, Policy
from projections.queries.amounts import Amount, Balance, balance_of
from projections.queries.errors import NotFoundError, PositionAheadError
from projections.queries.snapshot import QUERIES, Snapshot

STATUS: Final = {"O": "open", "F": "frozen", "C": "closed"}


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """What an account is kept within: the least that may be available and the most that may be posted, None for none.

    On the account's own side, so the minimum of a liability that may be overdrawn stands on debit. `policy` is
    allow, warn or deny.
    """

    minimum: Balance | None
    maximum: Balance | None
    policy: str


@dataclass(frozen=True, slots=True)
class Account:
    """An account and its head: exact at the snapshot's position.

    `entries` counts them, since the first is 1. `held` is what open holds keep back of it, and `available` the balance
    less that.
    """

    code: str
    type: str
    currency: str
    scale: int
    role: str
    keyed: bool
    status: str
    entries: int
    debits: Amount
    credits: Amount
    balance: Balance
    held: Amount
    available: Balance
    limits: AccountLimits


@dataclass(frozen=True, slots=True)
class BalanceAt:
    """The balance of an account as known at `position`; `last_entry_position` is 0 before its first entry.

    `posting_sequence` numbers the last entry that was known, `entries` counts those that are in the balance: fewer
    where it is that of what took effect through the day `effective_at`.
    """

    code: str
    type: str
    position: int
    balance: Balance
    posting_sequence: int
    last_entry_position: int
    entries: int
    effective_at: date | None = None


def accounts(at: Snapshot, *, after: str = "", limit: int = 100) -> list[Account]:
    """Accounts in code order that come after `after`."""
    parameters = {"book_id": at.book_id, "after": after, "limit": limit}
    with at.connection.cursor(row_factory=args_row(account_of_row)) as cursor:
        return cursor.execute(QUERIES["accounts"], parameters).fetchall()


def account(at: Snapshot, code: str) -> Account:
    """One account. Raises NotFoundError."""
    with at.connection.cursor(row_factory=args_row(account_of_row)) as cursor:
        found = cursor.execute(QUERIES["account"], {"book_id": at.book_id, "account": code}).fetchone()
    if found is None:
        raise NotFoundError("account")
    return found


def balance(at: Snapshot, code: str, *, as_of_position: int | None = None) -> BalanceAt:
    """The balance of an account now, or as it was known at a position.

    Raises NotFoundError, PositionAheadError.
    """
    return numbered_balance(at, code, as_of_position=as_of_position)[1]


def numbered_balance(at: Snapshot, code: str, *, as_of_position: int | None = None) -> tuple[int, BalanceAt]:
    """Number of the account, and its balance likewise."""
    found = account(at, code)
    position = at.position if as_of_position is None else as_of_position
    account_id, posting_sequence = entries_until(at, code, position)
    running_minor, last_entry_position = _running_after(at, account_id, posting_sequence)
    return account_id, BalanceAt(
        code=found.code,
        type=found.type,
        position=position,
        balance=balance_of(running_minor, found.currency, found.scale),
        posting_sequence=posting_sequence,
        last_entry_position=last_entry_position,
        entries=posting_sequence,
    )


def entries_until(at: Snapshot, code: str, position: int) -> tuple[int, int]:
    """Number of the account, and how many entries it had at a position.

    Raises NotFoundError, PositionAheadError.
    """
    if position > at.position:
        raise PositionAheadError(position, at.position)
    parameters = {"book_id": at.book_id, "account": code, "position": position}
    query = QUERIES["entries_now"] if position == at.position else QUERIES["entries_until"]
    found = at.connection.execute(query, parameters).fetchone()
    if found is None:
        raise NotFoundError("account")
    return int(found[0]), int(found[1])


def balance_after(at: Snapshot, account_id: int, posting_sequence: int) -> int:
    """Debits less credits of an account after one of its entries; 0 before the first. Raises NotFoundError."""
    return _running_after(at, account_id, posting_sequence)[0]


def _running_after(at: Snapshot, account_id: int, posting_sequence: int) -> tuple[int, int]:
    if posting_sequence == 0:
        return 0, 0
    parameters = {"book_id": at.book_id, "account_id": account_id, "posting_sequence": posting_sequence}
    found = at.connection.execute(QUERIES["running_after"], parameters).fetchone()
    if found is None:
        raise NotFoundError("entry")
    return int(found[0]), int(found[1])


def account_of_row(
    code: str, type_: AccountType, currency: str, scale: int, role: str, keyed: bool, status: str,
    entries: int, debits_minor: int, credits_minor: int, debits_pending_minor: int, credits_pending_minor: int,
    minimum_minor: int | None, maximum_minor: int | None, policy: Policy,
) -> Account:  # fmt: skip
    """The account in a row of the queries `account`, `accounts` and `accounts_of_homes`."""
    difference_minor = debits_minor - credits_minor
    # Only what will leave the account: a hold on its own side keeps nothing back.
    grows_by_debits = NORMAL_SIDE[type_] == "D"
    held_minor = credits_pending_minor if grows_by_debits else debits_pending_minor
    available_minor = difference_minor - held_minor if grows_by_debits else difference_minor + held_minor
    return Account(
        code=code,
        type=type_,
        currency=currency,
        scale=scale,
        role=role,
        keyed=keyed,
        status=STATUS[status],
        entries=entries,
        debits=Amount(debits_minor, currency, scale),
        credits=Amount(credits_minor, currency, scale),
        balance=balance_of(difference_minor, currency, scale),
        held=Amount(held_minor, currency, scale),
        available=balance_of(available_minor, currency, scale),
        limits=limits_of(type_, currency, scale, minimum_minor, maximum_minor, policy),
    )


def limits_of(
    type_: AccountType, currency: str, scale: int, minimum_minor: int | None, maximum_minor: int | None, policy: Policy
) -> AccountLimits:
    """Limits as people read them, from minor units on the account's normal side."""
    own = 1 if NORMAL_SIDE[type_] == "D" else -1
    minimum, maximum = (
        None if limit_minor is None else balance_of(own * limit_minor, currency, scale)
        for limit_minor in (minimum_minor, maximum_minor)
    )
    return AccountLimits(minimum, maximum, POLICY_NAMES[policy])
