"""Open, limit, freeze, unfreeze and close accounts: the event and the rows that postings decide on, in one transaction.

Lock order as everywhere: the account's row and head, then the book (which the recorder's append locks).
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg
from eventsourcing.application import AggregateNotFoundError

from ledger_core.domain.account_facts import AccountClosed, AccountStand, AccountTerms
from ledger_core.domain.account_life import refuse_closing
from ledger_core.domain.account_types import NORMAL_SIDE, AccountType, account_type_of
from ledger_core.domain.cases import CLOSED, FROZEN, OPEN, Head
from ledger_core.domain.chart_reading import ChartError, check_code
from ledger_core.domain.charts import Template
from ledger_core.domain.limits import NO_LIMITS, Limits
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.operations.account import Account
from ledger_core.operations.application import LedgerApplication
from ledger_core.store.account_cases import uneven_keys
from ledger_core.store.account_events import account_originator_id
from ledger_core.store.books import Books, HeadLimits, demand_chart, set_limits
from ledger_core.store.errors import ChartMovedError
from ledger_core.store.recorder import LedgerRecorder, Transactions

FIND_BOOK: Final = "SELECT book_id FROM ledger.book_directory WHERE code = %s"
FIND_ASSET: Final = "SELECT asset_id FROM ledger.asset WHERE code = %s"
FIND_ACCOUNT: Final = "SELECT account_id FROM ledger.account WHERE book_id = %s AND code = %s"

INSERT_ACCOUNT: Final = """
INSERT INTO ledger.account (book_id, code, type, asset_id, role, keyed) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (book_id, code) DO NOTHING RETURNING account_id"""
INSERT_HEAD: Final = "INSERT INTO ledger.account_head (book_id, account_id, asset_id) VALUES (%s, %s, %s)"

LOCK_HEAD: Final = """
SELECT posting_sequence, debits_posted, credits_posted, asset_id, status, debits_pending, credits_pending
FROM ledger.account_head WHERE book_id = %s AND account_id = %s FOR NO KEY UPDATE"""
SET_STATUS: Final = "UPDATE ledger.account_head SET status = %s WHERE book_id = %s AND account_id = %s"


class AccountRefusedError(Exception):
    """A command that cannot be done; nothing was written. `code` is what an event that asks the same is refused with,
    the text is for people."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.code = refusal.code


@dataclass(slots=True, frozen=True)
class AccountState:
    """An account after a command. `changed` is False when it already was as asked for: a repeat is safe."""

    book: str
    code: str
    type: str
    currency: str
    role: str
    keyed: bool
    frozen_because: str | None
    closed_because: str | None
    limits: Limits
    version: int
    opened_at: datetime
    changed: bool


class AccountLifecycle:
    """The account commands of one book. `transactions` opens them, as the poster role."""

    def __init__(self, transactions: Transactions, book_code: str) -> None:
        self.book_code = book_code
        with transactions() as connection:
            row = connection.execute(FIND_BOOK, (book_code,)).fetchone()
        if row is None:
            raise _refused(Code.BOOK_UNKNOWN, f"there is no book {book_code!r}")
        self._recorder = LedgerRecorder(transactions, row[0])
        self._application = LedgerApplication(self._recorder)

    def open_account(
        self, code: str, *, account_type: AccountType, currency: str, role: str = "", keyed: bool = False,
        requested_by: str = "",
    ) -> AccountState:  # fmt: skip
        """Open an account. One that is open as asked for is left as it is; one that is not, or closed, is refused.

        The chart in force says what is not asked for: role, order keys and limits, as where it opens on the fly.
        """
        try:
            check_code(f"{code!r:.60}", code)
        except ChartError as error:
            raise _refused(Code.DATA_INVALID, str(error)) from None
        while True:
            with suppress(ChartMovedError):
                return self._open(Template(code, account_type, role, keyed), currency, requested_by)

    def _open(self, asked: Template, currency: str, requested_by: str) -> AccountState:
        code = asked.pattern
        with self._recorder.transaction() as connection:
            book = Books(connection).find([self.book_code])[self.book_code]
            own = book.chart.template_for(code, currency) or asked
            wanted = Account.open(
                self.book_code, code, account_type=asked.type, currency=currency, role=asked.role or own.role,
                keyed=asked.keyed or own.keyed, limits=own.limits, requested_by=requested_by.strip(),
            )  # fmt: skip
            created = self._insert_rows(connection, wanted)
            if created:
                self._application.save(wanted)
                demand_chart(connection, book)
            account = self._application.account(wanted.id)
            if account.closed_because is not None:
                raise _refused(Code.ACCOUNT_CLOSED, f"account {code!r} is closed")
            if _properties(account) != _properties(wanted):
                raise _refused(Code.ACCOUNT_EXISTS_DIFFERENTLY, f"account {code!r} is open with other properties")
            return self._state(account, changed=created)

    def freeze(self, code: str, *, reason: str, requested_by: str = "") -> AccountState:
        """Refuse entries from now on. What is in flight either posts before this or is parked."""
        return self._change_status(code, reason, requested_by.strip(), status=FROZEN)

    def unfreeze(self, code: str, *, reason: str, requested_by: str = "") -> AccountState:
        """Take entries again."""
        return self._change_status(code, reason, requested_by.strip(), status=OPEN)

    def close(self, code: str, *, reason: str, requested_by: str = "") -> AccountState:
        """Take nothing for ever. At zero only, in all and per order key, and without holds."""
        _demand_reason(reason)
        with self._recorder.transaction() as connection:
            account_id, head = self._lock(connection, code)
            account = self._application.account(account_originator_id(self.book_code, code))
            if head.status != CLOSED:
                stand = AccountStand(account.version, _terms(account), self._uneven(connection, account_id))
                refusal = refuse_closing(AccountClosed(code, reason), head, stand)
                if refusal is not None:
                    raise AccountRefusedError(refusal)
            account.close(reason, requested_by.strip())
            changed = bool(account.pending_events)
            if changed:
                connection.execute(SET_STATUS, (CLOSED, self._recorder.book_id, account_id))
                self._application.save(account)
            return self._state(account, changed=changed)

    def set_limits(self, code: str, limits: Limits, *, reason: str, requested_by: str = "") -> AccountState:
        """Keep the balance within these from now on; what stands beyond them already may come back."""
        _demand_reason(reason)
        if limits.impossible:
            raise ValueError("the minimum is above the maximum")
        with self._recorder.transaction() as connection:
            account_id, head = self._lock(connection, code)
            _demand_unclosed(head, code)
            account = self._application.account(account_originator_id(self.book_code, code))
            account.set_limits(limits, reason, requested_by.strip())
            changed = bool(account.pending_events)
            if changed:
                side = NORMAL_SIDE[account_type_of(account.type)]
                set_limits(connection, self._recorder.book_id, [HeadLimits(account_id, limits, side)])
                self._application.save(account)
            return self._state(account, changed=changed)

    def _lock(self, connection: psycopg.Connection, code: str) -> tuple[int, Head]:
        """The account's id and what its head says, locked."""
        found = connection.execute(FIND_ACCOUNT, (self._recorder.book_id, code)).fetchone()
        if found is None:
            raise _refused(Code.ACCOUNT_MISSING, f"book {self.book_code!r} has no account {code!r}")
        head = connection.execute(LOCK_HEAD, (self._recorder.book_id, found[0])).fetchone()
        if head is None:
            raise _refused(Code.ACCOUNT_MISSING, f"account {code!r} has no head: run verify")
        return found[0], Head(*head)

    def _uneven(self, connection: psycopg.Connection, account_id: int) -> dict[str, int]:
        """Order keys of an account whose head is locked that are not at zero, where it is kept per order key."""
        key = self._recorder.book_id << 32 | account_id
        with connection.cursor() as cursor:
            return {order_key: balance_minor for _, order_key, balance_minor in uneven_keys(cursor, [key])}

    def show(self, code: str) -> AccountState:
        """The account as its events say."""
        try:
            account = self._application.account(account_originator_id(self.book_code, code))
        except AggregateNotFoundError as error:
            raise _refused(Code.ACCOUNT_MISSING, f"book {self.book_code!r} has no account {code!r}") from error
        return self._state(account, changed=False)

    def _insert_rows(self, connection: psycopg.Connection, account: Account) -> bool:
        book_id = self._recorder.book_id
        asset = connection.execute(FIND_ASSET, (account.currency,)).fetchone()
        if asset is None:
            raise _refused(Code.CURRENCY_UNKNOWN, f"there is no currency {account.currency!r}")
        properties = (account.code, account.type, asset[0], account.role, account.keyed)
        created = connection.execute(INSERT_ACCOUNT, (book_id, *properties)).fetchone()
        if created is None:
            return False
        connection.execute(INSERT_HEAD, (book_id, created[0], asset[0]))
        if account.limits != NO_LIMITS:
            side = NORMAL_SIDE[account_type_of(account.type)]
            set_limits(connection, book_id, [HeadLimits(created[0], account.limits, side)])
        return True

    def _change_status(self, code: str, reason: str, requested_by: str, *, status: str) -> AccountState:
        _demand_reason(reason)
        with self._recorder.transaction() as connection:
            account_id, head = self._lock(connection, code)
            _demand_unclosed(head, code)
            # Read under the head's lock: whoever changed the status before us has committed its event.
            account = self._application.account(account_originator_id(self.book_code, code))
            if status == FROZEN:
                account.freeze(reason, requested_by)
            else:
                account.unfreeze(reason, requested_by)
            changed = bool(account.pending_events)
            if changed:
                connection.execute(SET_STATUS, (status, self._recorder.book_id, account_id))
                self._application.save(account)
            return self._state(account, changed=changed)

    def _state(self, account: Account, *, changed: bool) -> AccountState:
        return AccountState(
            book=self.book_code,
            code=account.code,
            type=account.type,
            currency=account.currency,
            role=account.role,
            keyed=account.keyed,
            frozen_because=account.frozen_because,
            closed_because=account.closed_because,
            limits=account.limits,
            version=account.version,
            opened_at=account.created_on,
            changed=changed,
        )


def _refused(code: Code, detail: str) -> AccountRefusedError:
    return AccountRefusedError(Refusal(code, detail))


def _demand_unclosed(head: Head, code: str) -> None:
    if head.status == CLOSED:
        raise _refused(Code.ACCOUNT_CLOSED, f"account {code!r} is closed")


def _terms(account: Account) -> AccountTerms:
    kind = account_type_of(account.type)
    return AccountTerms(kind, account.currency, account.role, account.keyed, account.parent, account.limits)


def _demand_reason(reason: str) -> None:
    if not reason.strip():
        raise ValueError("a reason is required")


def _properties(account: Account) -> tuple[str, str, str, str, bool]:
    return account.code, account.type, account.currency, account.role, account.keyed
