"""Payments: what became of each, as far as the projection has come."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from psycopg.rows import args_row

from ledger_core.store.named_sql import load_queries
from projections.queries.amounts import Amount, Balance, balance_of
from projections.queries.errors import NotFoundError
from projections.queries.snapshot import Snapshot

QUERIES: Final = load_queries("projections.queries", "payments.sql")
NO_END: Final = "\U0010ffff"
"""Behind every order key in the order of code points."""
LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)
FAR_AHEAD: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
LAST_ENTRY: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of which an event was accepted, by its order key; `last_position` is that of its last event.

    As entries have it: commission that the platform keeps and the net that is left stand on the credit side, fees that
    were charged on the debit side.
    """

    order_key: str
    state: str
    execution: str
    finality: str
    method: str
    authorised: Amount
    captured: Amount
    refunded: Amount
    voided: Amount
    reversed: Amount
    disputed: Amount
    commission: Balance
    fees: Balance
    net: Balance
    captures: int
    refunds: int
    first_effective_at: datetime
    last_effective_at: datetime
    last_position: int
    entry: int
    """Of a page by beneficiary: which entry of that account was the payment's first; else 0."""


class Period(NamedTuple):
    """When something began: at `since` or after, before `until`."""

    since: datetime = LONG_AGO
    until: datetime = FAR_AHEAD


class PaymentFilter(NamedTuple):
    """What is asked for; `prefix` is how the order key begins, `account` a beneficiary's."""

    state: str | None = None
    prefix: str = ""
    account: str | None = None
    began: Period = Period()


class After(NamedTuple):
    """The last payment of the page before: of a page by beneficiary only the entry counts, of others the rest."""

    began: datetime = FAR_AHEAD
    order_key: str = ""
    entry: int = LAST_ENTRY


ALL: Final = PaymentFilter()
START: Final = After()


def payment(at: Snapshot, order_key: str) -> Payment:
    """One payment; `at` must read PAYMENTS. Raises NotFoundError."""
    with at.connection.cursor(row_factory=args_row(_payment)) as cursor:
        found = cursor.execute(QUERIES["payment"], {"book_id": at.book_id, "order_key": order_key}).fetchone()
    if found is None:
        raise NotFoundError("payment")
    return found


def payments(at: Snapshot, wanted: PaymentFilter = ALL, *, after: After = START, limit: int = 100) -> list[Payment]:
    """Payments, the newest first, that come after `after`; `at` must read PAYMENTS."""
    query = "payments" if wanted.account is None else "payments_of_account"
    parameters = {
        "book_id": at.book_id, "state": wanted.state, "prefix": wanted.prefix, "prefix_end": wanted.prefix + NO_END,
        "account": wanted.account, "since": wanted.began.since, "until": wanted.began.until, "before": after.began,
        "before_key": after.order_key, "before_entry": after.entry, "limit": limit,
    }  # fmt: skip
    with at.connection.cursor(row_factory=args_row(_payment)) as cursor:
        return cursor.execute(QUERIES[query], parameters).fetchall()


def _payment(
    order_key: str, state: str, execution: str, finality: str, currency: str, scale: int | None, method: str,
    authorised: int, captured: int, refunded: int, voided: int, reversed_: int, disputed: int, commission: int,
    fees: int, captures: int, refunds: int, first_effective_at: datetime, last_effective_at: datetime,
    last_position: int, entry: int,
) -> Payment:  # fmt: skip
    def amount(minor: int) -> Amount:
        return Amount(minor, currency, scale or 0)

    def debit(minor: int) -> Balance:
        return balance_of(minor, currency, scale or 0)

    net_minor = captured - voided - refunded - disputed - commission - fees
    return Payment(
        order_key=order_key, state=state, execution=execution,
        finality=finality, method=method, authorised=amount(authorised), captured=amount(captured),
        refunded=amount(refunded), voided=amount(voided), reversed=amount(reversed_), disputed=amount(disputed),
        commission=debit(-commission), fees=debit(fees), net=debit(-net_minor), captures=captures, refunds=refunds,
        first_effective_at=first_effective_at, last_effective_at=last_effective_at, last_position=last_position,
        entry=entry,
    )  # fmt: skip
