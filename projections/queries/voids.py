"""What voiding a voucher would post, as far as can be seen without locks."""

from dataclasses import dataclass, replace

from ledger_core.domain.heads import refuse_status
from ledger_core.domain.originals import Original
from ledger_core.domain.outcomes import Refusal, first_of
from ledger_core.domain.references import VoucherLink
from ledger_core.domain.reversals import refuse_original
from ledger_core.domain.subjects import Subject
from projections.queries.amounts import Side
from projections.queries.snapshot import QUERIES, Snapshot
from projections.queries.vouchers import Voucher, VoucherLine, voucher

OTHER_SIDE = {Side.DEBIT: Side.CREDIT, Side.CREDIT: Side.DEBIT}


@dataclass(frozen=True, slots=True)
class VoidPreview:
    """The voucher, the lines of its mirror, and why a void would be refused; an empty code where it would post."""

    voucher: Voucher
    mirror: list[VoucherLine]
    code: str
    detail: str


def preview_void(at: Snapshot, voucher_no: int) -> VoidPreview:
    """Raises NotFoundError where there is no such voucher."""
    found = voucher(at, voucher_no)
    mirror = [replace(line, side=OTHER_SIDE[line.side], purpose="reversal") for line in found.lines]
    refusal = first_of(_refuse_reversal(at, found), _refuse_accounts(at, found))
    return VoidPreview(found, mirror, refusal.code.value if refusal else "", refusal.detail if refusal else "")


def _refuse_reversal(at: Snapshot, found: Voucher) -> Refusal | None:
    row = at.connection.execute(
        QUERIES["payment_sums"], {"book_id": at.book_id, "order_key": found.order_key}
    ).fetchone()
    captured_minor, refunded_minor = row or (0, 0)
    original = Original(
        0, VoucherLink(found.position, found.voucher_no), found.order_key, found.kind, found.cause.event_type,
        found.amount.minor, (), bool(found.links.reversed_by),
    )  # fmt: skip
    subject = Subject(captured_minor=captured_minor, refunded_minor=refunded_minor)
    return refuse_original(original, found.order_key, subject)


def _refuse_accounts(at: Snapshot, found: Voucher) -> Refusal | None:
    codes = sorted({line.account for line in found.lines})
    refusal: Refusal | None = None
    for code, status in at.connection.execute(QUERIES["account_statuses"], {"book_id": at.book_id, "accounts": codes}):
        refusal = first_of(refusal, refuse_status(status, code))
    return refusal
