"""Vouchers: the document behind the entries, with its lines and the upstream event that caused it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from psycopg.rows import args_row

from projections.queries.amounts import Amount, Side
from projections.queries.errors import NotFoundError
from projections.queries.snapshot import QUERIES, Snapshot


@dataclass(frozen=True, slots=True)
class Cause:
    """The upstream event: who says so, under which id, and where its record stands."""

    source: str
    event_id: str
    event_type: str
    revision: int
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class VoucherLine:
    """One line of a voucher."""

    line: int
    account: str
    side: Side
    amount: Amount
    purpose: str


@dataclass(frozen=True, slots=True)
class VoucherLink:
    """Another voucher of the same book."""

    voucher_no: int
    position: int


@dataclass(frozen=True, slots=True)
class VoucherLinks:
    """What a voucher is to others. A payment's void reverses all its captures; any number may compensate one."""

    reverses: list[VoucherLink] = field(default_factory=list)
    reversed_by: list[VoucherLink] = field(default_factory=list)
    """One at most."""
    compensates: list[VoucherLink] = field(default_factory=list)
    """One at most."""
    compensated_by: list[VoucherLink] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Quote:
    """The rate of an exchange as it was given: units of `counter` for one of `base`, to the last digit.

    `age_seconds` is how long before the voucher took effect it was quoted. `stale`: that was longer than the book's
    chart allowed then.
    """

    rate: str
    base: str
    counter: str
    provider: str
    source: str
    quoted_at: datetime
    age_seconds: int
    stale: bool


@dataclass(frozen=True, slots=True)
class Voucher:
    """One voucher. `rule` is the posting rule that made it, with its version, and `chart_version` that of the book's
    chart by which it did: together what the voucher was posted by, whatever is in force by now."""

    voucher_no: int
    position: int
    kind: str
    rule: str
    order_key: str
    amount: Amount
    effective_at: datetime
    recorded_at: datetime
    cause: Cause
    lines: list[VoucherLine]
    chart_version: int
    links: VoucherLinks = field(default_factory=VoucherLinks)
    quote: Quote | None = None
    """Of an exchange."""
    group: list[int] = field(default_factory=list)
    """Numbers of the vouchers that posted together with it, its own among them; empty where it is alone."""


def voucher(at: Snapshot, voucher_no: int) -> Voucher:
    """One voucher by its number. Raises NotFoundError."""
    parameters = {"book_id": at.book_id, "voucher_no": voucher_no}
    with at.connection.cursor(row_factory=args_row(_line)) as cursor:
        lines = cursor.execute(QUERIES["voucher_lines"], parameters).fetchall()
    with at.connection.cursor(row_factory=args_row(_voucher)) as cursor:
        found = cursor.execute(QUERIES["voucher"], parameters).fetchone()
    if found is None:
        raise NotFoundError("voucher")
    found.lines.extend(lines)
    of_voucher = {"book_id": at.book_id, "position": found.position}
    for link, other_voucher_no, other_position in at.connection.execute(QUERIES["voucher_links"], of_voucher):
        getattr(found.links, link).append(VoucherLink(other_voucher_no, other_position))
    said = at.connection.execute(QUERIES["voucher_said"], of_voucher).fetchone()
    if said is None:
        return found
    quote, stale, member = said
    return replace(
        found,
        quote=None if quote is None else quote_of(quote, stale, found.effective_at),
        group=group_of(voucher_no, member),
    )


def group_of(voucher_no: int, member: Sequence[int] | None) -> list[int]:
    """Numbers of a group's vouchers, from that of one and which member it is of how many: they follow each other."""
    if member is None:
        return []
    place, size = member
    first = voucher_no - place + 1
    return list(range(first, first + size))


def quote_of(said: Mapping[str, str], stale: object, effective_at: datetime) -> Quote:
    """A quote as a state says it, `stale` where that says so, too."""
    quoted_at = datetime.fromisoformat(said["quoted_at"])
    return Quote(
        said["rate"], said["base"], said["counter"], said["provider"], said["source"], quoted_at,
        age_seconds=(effective_at - quoted_at) // timedelta(seconds=1), stale=stale is not None,
    )  # fmt: skip


def _line(
    line: int, account: str, side: str, amount_minor: int, currency: str, scale: int, purpose: str
) -> VoucherLine:
    return VoucherLine(line, account, Side(side), Amount(amount_minor, currency, scale), purpose)


def _voucher(
    voucher_no: int, position: int, kind: str, rule: str, order_key: str, amount_minor: Decimal, currency:
    str, scale: int,
    effective_at: datetime, recorded_at: datetime, source: str, event_id: str, event_type: str, revision: int,
    topic: str, partition: int, offset: int, chart_version: int,
) -> Voucher:  # fmt: skip
    return Voucher(
        voucher_no=voucher_no,
        position=position,
        kind=kind,
        rule=rule,
        order_key=order_key,
        amount=Amount(int(amount_minor), currency, scale),
        effective_at=effective_at,
        recorded_at=recorded_at,
        cause=Cause(source, event_id, event_type, revision, topic, partition, offset),
        lines=[],
        chart_version=chart_version,
    )
