"""The table of order: what becomes of each ordered pair of events of one story, as the page in the docs shows it.

    python -m tests.support.order_table

writes docs/reference/order.md anew; a test says whether it is up to date. Read the difference before you commit it.
"""

from collections.abc import Sequence
from pathlib import Path

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
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
