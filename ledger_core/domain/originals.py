"""Vouchers to which events of a batch refer: those in the log, and those that this very batch posts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ledger_core.domain.outcomes import Code, Outcome, Refusal
from ledger_core.domain.references import VoucherLink
from ledger_core.domain.requests import VoucherRef
from ledger_core.domain.vouchers import Purpose, mirror

if TYPE_CHECKING:
    from ledger_core.domain.cases import Movement, Ruling

ORDINAL_MASK = 0xFFFF
"""Of a reference (batch_id << 16 | ordinal): the place in its block."""

VoucherKey = tuple[int, int]
"""book_id and log reference: places in a block repeat from book to book."""


@dataclass(slots=True)
class Original:
    """A posted voucher as the log has it. `event_type` is the upstream event's."""

    reference: int
    link: VoucherLink
    order_key: str
    kind: str
    event_type: str
    amount_minor: int
    movements: Sequence["Movement"]
    effective_at_us: int
    commissions: Mapping[str, str] = field(default_factory=dict)
    """By account, where the lines do not tell whose commission is whose."""
    reversed: bool = False
    legs: Sequence[Mapping[str, str]] = ()
    """Of a split capture, or what followed one: whose part of it is whose, as the voucher says."""
    clearing: frozenset[int] = frozenset()
    """Heads of those of its accounts that were the clearing of the processor when they opened."""


@dataclass(slots=True)
class Vouchers:
    """Everything known of vouchers that are referred to. Keys lead with the book: a foreign one is a missing one.

    `stands` says where each locked book stands: its last position before this batch, its last voucher number so far.
    It is filled only for a batch whose events may refer to one another; then `note` gives every voucher its place.
    """

    by_ref: dict[tuple[int, VoucherRef], Original | Refusal] = field(default_factory=dict)
    """Or why that event has no voucher, and never will have one that can be named so."""
    parked_under: dict[tuple[int, VoucherRef], str] = field(default_factory=dict)
    """Order keys of those that are parked: nothing that another order key waits for passes its queue."""
    by_reference: dict[VoucherKey, Original] = field(default_factory=dict)
    recorded_at_us: dict[VoucherKey, int] = field(default_factory=dict)
    """When that took effect which is referred to by its place in the log and posted nothing."""
    clearing: dict[tuple[int, str], str] = field(default_factory=dict)
    """By book and currency the processor's clearing account, where something of this batch goes back to a payer."""
    stands: dict[int, VoucherLink] = field(default_factory=dict)

    def find(self, book_id: int, ref: VoucherRef, order_key: str) -> Original | Refusal:
        """The voucher, or the refusal of the event that refers to it.

        Who cites a number has seen it: one that was never issued is wrong for good, and waiting for it would
        take the stranger that gets it. An event's id is its producer's: that event may still be on its way.
        """
        found = self.by_ref.get((book_id, ref))
        if found is not None:
            return found
        if ref.voucher_no:
            return Refusal(Code.VOUCHER_UNKNOWN, f"there is no voucher {ref.voucher_no}")
        if self.parked_under.get((book_id, ref), order_key) != order_key:
            return Refusal(Code.ORDER_KEY_DIFFERS, "the event that is referred to waits under another order key")
        return Refusal(Code.PREDECESSOR_ABSENT, "the event that is referred to has not posted", waits_for(ref))

    def add(self, book_id: int, original: Original) -> Original:
        """Takes a voucher up once, however many events refer to it; they all see whether it is reversed."""
        return self.by_reference.setdefault((book_id, original.reference), original)

    def note(self, ruling: "Ruling") -> None:
        """What came of an event of this batch, for those that refer to it. To be called in the order of the log."""
        for one in (ruling, *ruling.followers):
            self._note(one)
        if ruling.followers and ruling.outcome is Outcome.POSTED:
            self.by_ref[ruling.case.subject_key[0], ref_of(ruling.case.origin)] = SEVERAL

    def _note(self, ruling: "Ruling") -> None:
        case = ruling.case
        book_id, order_key = case.subject_key
        stand = self.stands.get(book_id)
        if stand is None:
            return
        if ruling.outcome is Outcome.PARKED:
            self.parked_under.setdefault((book_id, ref_of(case.origin)), order_key)
            return
        if ruling.refusal is not None and ruling.refusal.code is Code.IDEMPOTENCY_CONFLICT:
            return  # another event of the same id is the one that counts
        by_event = (book_id, ref_of(case.origin))
        if ruling.outcome is Outcome.RECORDED:
            self.recorded_at_us[book_id, case.reference] = case.effective_at_us
        if ruling.outcome is not Outcome.POSTED or ruling.draft is None:
            self.by_ref.setdefault(by_event, no_voucher())
            return
        number = stand.voucher_no + 1
        self.stands[book_id] = VoucherLink(stand.position, number)
        event_type = case.origin[2]
        link = VoucherLink(stand.position + 1 + (case.reference & ORDINAL_MASK), number)
        original = self.add(
            book_id,
            Original(
                case.reference, link, order_key, ruling.draft.kind, event_type,
                ruling.draft.amount_of(case.fact), ruling.movements,
                ruling.late.redirected_to_us if ruling.late else case.effective_at_us,
                commissions_said(ruling.draft.details or {}), legs=legs_said(ruling.draft.details or {}),
            ),
        )  # fmt: skip
        self.by_ref[by_event] = self.by_ref[book_id, VoucherRef(number)] = original


def ref_of(origin: tuple[str, str, str]) -> VoucherRef:
    """How others refer to what the event of this source, id and type posts."""
    source, event_id, _ = origin
    return VoucherRef(0, event_id, source)


def mirror_of(originals: Sequence[Original]) -> list["Movement"]:
    """Movements that take these vouchers back: same accounts and amounts in their order, sides exchanged."""
    movements = [movement for original in originals for movement in original.movements]
    lines = mirror([movement.line for movement in movements])
    return [movement._replace(line=line) for movement, line in zip(movements, lines, strict=True)]


def mirrored(originals: Sequence[Original]) -> dict[str, object]:
    """What a mirror says of the lines that it takes back: what each had been for, and whose the commissions were."""
    sums: dict[str, int] = {}
    for original in originals:
        for account, fee_minor in (original.commissions or _commission_of_one(original)).items():
            sums[account] = sums.get(account, 0) + int(fee_minor)
    purposes = [Purpose(movement.line.purpose) for original in originals for movement in original.movements]
    said: dict[str, object] = {"mirrored": [purpose.name.lower() for purpose in purposes]}
    return {**said, "commissions": {account: str(sums[account]) for account in sums}} if sums else said


def _commission_of_one(original: Original) -> Mapping[str, str]:
    """Of a voucher with one beneficiary: the line of platform fees."""
    lines = [movement.line for movement in original.movements]
    accounts = {line.account for line in lines if line.purpose == Purpose.SELLER_SHARE}
    fees_minor = sum(line.amount_minor for line in lines if line.purpose == Purpose.PLATFORM_FEE)
    return {account: str(fees_minor) for account in accounts} if fees_minor and len(accounts) == 1 else {}


def commissions_said(details: Mapping[str, object]) -> Mapping[str, str]:
    """The commissions by account that the details, or the state, of a voucher name."""
    named = details.get("commissions")
    return named if isinstance(named, dict) else {}


def legs_said(details: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    """Whose part of a split payment a voucher is about, by its details or its state."""
    legs = details["split"].get("legs") if "split" in details else details.get("legs")
    return legs or ()


def waits_for(ref: VoucherRef) -> str:
    """What an event that is parked for this voucher waits for."""
    return f"voucher:{ref.source}#{ref.event_id}"


def no_voucher() -> Refusal:
    """The refusal of who refers to an event that was decided, and posted nothing."""
    return Refusal(Code.VOUCHER_UNKNOWN, "the event that is referred to posted no voucher")


SEVERAL: Final = Refusal(
    Code.VOUCHER_UNKNOWN, "the event that is referred to posted several vouchers: name one by its number"
)


def links_of(originals: Sequence[Original]) -> list[dict[str, Any]]:
    """Links as the state of a voucher keeps them."""
    return [
        {
            "position": original.link.position,
            "voucher_no": original.link.voucher_no,
            "event_type": original.event_type,
        }
        for original in originals
    ]
