"""The table of order: what becomes of each ordered pair of events of one story, as the page in the docs shows it.

    python -m tests.support.order_table

writes docs/reference/order.md anew; a test says whether it is up to date. Read the difference before you commit it.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from types import MappingProxyType

from ledger_core.domain.outcomes import Code
from tests.support.story_desk import BEGUN, STORIES, StoryDesk, types_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "order.md"
HEAD = """# Order of events

What becomes of two events of one order key, in the order in which they come. The first column begins with nothing; the
second with a payment of 100 that was captured, or a transfer of 80 that was requested. What is parked waits, and heals
when its predecessor comes; the word that stands is the last one on each event. All that share a refund, chargeback,
settlement or deposit here name the same one, and gates are open that only a chart closes. What has an order key of its
own (a payment, a payout, a fee, a drawer, a stay, a transfer) never meets another.
This page is written by the code that decides: `python -m tests.support.order_table`.
"""
DIFFERENCES = """
## Where the order makes a difference

Whatever the order in which the events of a story come, and in whatever batches, everything that is accepted adds up to
the same state, amounts and balances, and nothing is still parked whose predecessors were accepted. What a story lacks
in the end is refused by one of these names, and whatever follows it waits for it. A property test delivers stories in
many orders and accepts no other difference.

| comes first | comes then | what is refused |
|---|---|---|
"""
LATE: Mapping[tuple[str, str], Code] = MappingProxyType({
    **dict.fromkeys(product(("payment.voided",), (
        "payment.intent_created", "payment.authorized", "payment.captured"
    )), Code.PAYMENT_VOIDED),
    **dict.fromkeys(product(("payment.failed",), (
        "payment.intent_created", "payment.authorized"
    )), Code.PAYMENT_FAILED),
    **dict.fromkeys(product(("payment.authorization_expired",), (
        "payment.intent_created", "payment.authorized", "payment.captured", "payment.refunded", "refund.requested",
        "refund.approved", "refund.processing", "refund.completed", "refund.failed", "chargeback.opened",
        "chargeback.evidence_submitted", "chargeback.won", "chargeback.lost", "settlement.confirmed",
        "settlement.failed", "settlement.finality_confirmed", "settlement.finality_failed",
    )), Code.AUTHORIZATION_EXPIRED),
    **dict.fromkeys(product(("refund.completed", "refund.failed"), ("refund.approved", "refund.processing")),
                    Code.REFUND_STATE_INVALID),
    **dict.fromkeys(product(("chargeback.won", "chargeback.lost"), ("chargeback.evidence_submitted",)),
                    Code.CHARGEBACK_STATE_INVALID),
    ("settlement.failed", "settlement.confirmed"): Code.SETTLEMENT_STATE_INVALID,
    ("reservation.no_show", "reservation.confirmed"): Code.HOLD_CAPTURED,
    ("payout.paid", "payout.requested"): Code.PAYOUT_STATE_INVALID,
    **dict.fromkeys(product(("fee.charged",), ("fee.failed", "fee.retried")), Code.FEE_STATE_INVALID),
    ("transfer.inflow.received", "transfer.inflow.announced"): Code.TRANSFER_STATE_INVALID,
    ("transfer.monitoring.passed", "transfer.monitoring.flagged"): Code.TRANSFER_STATE_INVALID,
    **dict.fromkeys(product(("transfer.settled", "transfer.failed"), (
        "transfer.review.opened", "transfer.review.cleared"
    )), Code.TRANSFER_STATE_INVALID),
})  # fmt: skip
"""What is refused by this name because it comes after the other, where services mostly tell it before."""
EARLY: Mapping[tuple[str, str], Code] = MappingProxyType({
    ("payment.refunded", "payment.captured"): Code.REFUND_EXCEEDS_CAPTURED,
    ("refund.requested", "payment.captured"): Code.REFUND_EXCEEDS_CAPTURED,
    ("chargeback.opened", "payment.captured"): Code.CHARGEBACK_EXCEEDS_CAPTURED,
    ("settlement.confirmed", "payment.captured"): Code.SETTLEMENT_EXCEEDS_CAPTURED,
})  # fmt: skip
"""What is refused by this name because it comes before the other, of several captures: it takes more of the payment
than was captured so far, and nobody can know that more is to come."""
WAITING: Mapping[tuple[str, str], str] = MappingProxyType({
    ("transfer.inflow.compensated", "transfer.settled"): "its deposit went back: it waits for another one",
})  # fmt: skip
"""What goes on waiting because it comes after the other."""
SECOND = {"payment": "on a captured payment", "transfer": "on a requested transfer"}
Row = tuple[str, str, str, str]


def pairs(story: str) -> list[tuple[str, str]]:
    names = types_of(story)
    return [(first, then) for first in names for then in names]


def row(story: str, first: str, then: str) -> Row:
    """First, then, and what became of both, from nothing and on what has begun."""
    bare = _said(StoryDesk().play([first, then]))
    on_begun = _said(StoryDesk().play([BEGUN[story], first, then])[1:]) if story in BEGUN else ""
    return first.removesuffix(".v1"), then.removesuffix(".v1"), bare, on_begun


def _said(words: Sequence[str]) -> str:
    return ", ".join(words)


def page() -> str:
    parts = [HEAD]
    for story in STORIES:
        parts.append(
            f"\n## Of a {story}\n\n| first | then | from nothing |" + (f" {SECOND[story]} |" if story in SECOND else "")
        )
        parts.append("\n|---|---|---|" + ("---|" if story in SECOND else "") + "\n")
        for first, then in pairs(story):
            cells = row(story, first, then)
            parts.append("| " + " | ".join(f"`{c}`" if n < 2 else c for n, c in enumerate(cells) if c) + " |\n")
    return "".join([*parts, *_differences()])


def _differences() -> list[str]:
    """Where a story that comes in another order than it was told ends differently."""
    rows = [f"| `{first}` | `{then}` | {code}, of the second |\n" for (first, then), code in LATE.items()]
    rows += [f"| `{first}` | `{then}` | {code}, of the first |\n" for (first, then), code in EARLY.items()]
    rows += [f"| `{first}` | `{then}` | PARKED, the second: {why} |\n" for (first, then), why in WAITING.items()]
    return [DIFFERENCES, *rows]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
