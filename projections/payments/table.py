"""The table of payments: how a batch is added to it, and how it is checked."""

from collections.abc import Mapping
from typing import Final, LiteralString

import psycopg

from ledger_core.store.arrays import NOTHING, booleans, integers, shared, texts, times
from projections.payments.fold import PaymentChange, PaymentRows, fold_payments
from projections.projection import FoldedProjection, TableSql

KEPT_POSITIONS: Final = 1_000
"""An order key that has more events (one that no payment service would make) keeps the first of them by place."""

# A payment above all, a voucher by hand below all: as `first_family` has it.
ADD: Final[LiteralString] = """
INSERT INTO projections.payment_versions AS old (
    book_id, version, order_key, family, currency, method, first_effective_at, last_effective_at, last_position, events,
    positions, authorised_minor, captured_minor, refunded_minor, voided_minor, reversed_minor, disputed_minor,
    commission_minor, fees_minor, captures, refunds, executed, unexecuted, final, unfinal, voided, failed, expired,
    awaits_cash
)
SELECT
    coalesce(book_id, %s), coalesce(version, %s), order_key, coalesce(family, %s), coalesce(currency, %s),
    coalesce(method, %s), first_at, coalesce(last_at, first_at), last_position, coalesce(events, 1),
    CASE WHEN events > 1 THEN positions::bigint[] ELSE ARRAY[last_position] END,
    coalesce(authorised, 0), coalesce(captured, 0), coalesce(refunded, 0), coalesce(voided_minor, 0),
    coalesce(reversed, 0), coalesce(disputed, 0), coalesce(commission, 0), coalesce(fees, 0), coalesce(captures, 0),
    coalesce(refunds, 0), coalesce(executed, 0), coalesce(unexecuted, 0), coalesce(final, 0), coalesce(unfinal, 0),
    coalesce(voided, false), coalesce(failed, false), coalesce(expired, false), coalesce(awaits_cash, false)
FROM unnest(
    %s::integer[], %s::integer[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[],
    %s::bigint[], %s::integer[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::integer[], %s::integer[], %s::integer[], %s::integer[],
    %s::integer[], %s::integer[], %s::boolean[], %s::boolean[], %s::boolean[], %s::boolean[]
) AS new (
    book_id, version, order_key, family, currency, method, first_at, last_at, last_position, events, positions,
    authorised, captured, refunded, voided_minor, reversed, disputed, commission, fees, captures, refunds, executed,
    unexecuted, final, unfinal, voided, failed, expired, awaits_cash
)
ORDER BY book_id, version, order_key
ON CONFLICT (book_id, version, order_key) DO UPDATE SET
    family = CASE WHEN old.family = 'voucher' OR excluded.family = 'payment' THEN excluded.family ELSE old.family END,
    currency = CASE old.currency WHEN '' THEN excluded.currency ELSE old.currency END,
    method = CASE old.method WHEN '' THEN excluded.method ELSE old.method END,
    first_effective_at = least(old.first_effective_at, excluded.first_effective_at),
    last_effective_at = greatest(old.last_effective_at, excluded.last_effective_at),
    last_position = excluded.last_position,
    events = old.events + excluded.events,
    positions = CASE
        WHEN old.events >= %s THEN old.positions ELSE (old.positions || excluded.positions)[:%s]
    END,
    authorised_minor = old.authorised_minor + excluded.authorised_minor,
    captured_minor = old.captured_minor + excluded.captured_minor,
    refunded_minor = old.refunded_minor + excluded.refunded_minor,
    voided_minor = old.voided_minor + excluded.voided_minor,
    reversed_minor = old.reversed_minor + excluded.reversed_minor,
    disputed_minor = old.disputed_minor + excluded.disputed_minor,
    commission_minor = old.commission_minor + excluded.commission_minor,
    fees_minor = old.fees_minor + excluded.fees_minor,
    captures = old.captures + excluded.captures,
    refunds = old.refunds + excluded.refunds,
    executed = old.executed + excluded.executed,
    unexecuted = old.unexecuted + excluded.unexecuted,
    final = old.final + excluded.final,
    unfinal = old.unfinal + excluded.unfinal,
    voided = old.voided OR excluded.voided,
    failed = old.failed OR excluded.failed,
    expired = old.expired OR excluded.expired,
    awaits_cash = old.awaits_cash OR excluded.awaits_cash
"""

CHECKSUM: Final[LiteralString] = """
SELECT count(*), coalesce(sum(hashtextextended(concat_ws(
    '|', order_key, family, currency, method, extract(epoch FROM first_effective_at),
    extract(epoch FROM last_effective_at), last_position, events, positions, authorised_minor, captured_minor,
    refunded_minor, voided_minor, reversed_minor, disputed_minor, commission_minor, fees_minor, captures, refunds,
    executed, unexecuted, final, unfinal, voided, failed, expired, awaits_cash, state
), 0)::numeric), 0)
FROM projections.payment_versions WHERE book_id = %(book_id)s AND version = %(version)s
"""

DELETE: Final[LiteralString] = """
DELETE FROM projections.payment_versions
WHERE book_id = %(book_id)s AND version BETWEEN %(first_version)s AND %(last_version)s
"""

AMOUNTS: Final = (
    "authorised_minor", "captured_minor", "refunded_minor", "voided_minor", "reversed_minor", "disputed_minor",
    "commission_minor", "fees_minor",
)  # fmt: skip
COUNTS: Final = ("captures", "refunds", "executed", "unexecuted", "final", "unfinal")
MARKS: Final = ("voided", "failed", "expired", "awaits_cash")


def add_payments(connection: psycopg.Connection, rows: PaymentRows, versions: Mapping[int, int]) -> None:
    """Add a batch's changes to the stored payments."""
    if rows:
        connection.execute(ADD, (*_parameters(rows, versions), KEPT_POSITIONS, KEPT_POSITIONS))


def _parameters(rows: PaymentRows, versions: Mapping[int, int]) -> list[str | int]:
    """What no row says, and what all say alike, goes as `NOTHING`, the latter once beside: a third less work for the
    database where all were captured in one book."""
    changes: list[PaymentChange] = list(rows.values())
    said = {name for row in changes for name in vars(row)}
    books, book_id = shared([book_id for book_id, _ in rows], integers)
    of_books, version = shared([versions[book_id] for book_id, _ in rows], integers)
    families, family = shared([row.family for row in changes], texts)
    currencies, currency = shared([row.currency for row in changes], texts)
    methods, method = shared([row.method for row in changes], texts)
    firsts, lasts = [row.first_effective_at for row in changes], [row.last_effective_at for row in changes]
    longer = any(len(row.positions) > 1 for row in changes)
    return [
        book_id,
        version,
        family,
        currency,
        method,
        books,
        of_books,
        texts([order_key for _, order_key in rows]),
        families,
        currencies,
        methods,
        times(firsts),
        times(lasts) if lasts != firsts else NOTHING,
        integers([row.positions[-1] for row in changes]),
        integers([len(row.positions) for row in changes]) if longer else NOTHING,
        texts([_places(row.positions) for row in changes]) if longer else NOTHING,
        *(
            integers([getattr(row, name) for row in changes]) if name in said else NOTHING
            for name in (*AMOUNTS, *COUNTS)
        ),
        *(booleans([getattr(row, name) for row in changes]) if name in said else NOTHING for name in MARKS),
    ]


def _places(positions: list[int]) -> str:
    """Of more than one event; the place of one is the last."""
    return integers(positions[:KEPT_POSITIONS]) if len(positions) > 1 else ""


PAYMENTS = FoldedProjection(
    name="payments",
    fold_version=4,
    new_rows=dict,
    fold=fold_payments,
    write=add_payments,
    sql=TableSql(checksum=CHECKSUM, delete=DELETE),
)
