"""The pages of event types are what schemas, rules and decisions make of them."""

import pytest

from schemas.events.registry import EVENT_TYPES, WEBHOOK_TYPES
from tests.support.event_pages import FOLDER, INDEX, page, pages

MAKE = "not up to date: python -m tests.support.event_pages"


@pytest.mark.parametrize("event_type", [*EVENT_TYPES, *WEBHOOK_TYPES])
def test_the_page_of_each_type_is_up_to_date(event_type: str) -> None:
    path = FOLDER / f"{event_type}.md"
    assert path.exists(), MAKE
    assert path.read_text("utf-8") == page(event_type), MAKE


def test_no_page_is_left_over_and_the_index_names_every_type() -> None:
    wanted = pages()
    assert {path.name for path in FOLDER.glob("*.md")} == set(wanted), MAKE
    assert (FOLDER / INDEX).read_text("utf-8") == wanted[INDEX], MAKE


@pytest.mark.parametrize(
    ("event_type", "said"),
    [
        ("payout.paid.v1", "| `cash:bank:EUR` |  | 30 | payout |"),
        ("payout.paid.v1", "After `payout.requested`:"),
        ("payout.paid.v1", "| REQUESTED | POSTED | PAID |"),
        ("refund.completed.v1", "| CAPTURED, APPROVED | POSTED | CAPTURED, COMPLETED |"),
        ("refund.completed.v1", "| CAPTURED, COMPLETED | REFUND_STATE_INVALID | CAPTURED, COMPLETED |"),
        ("refund.approved.v1", "None: it is recorded."),
        ("voucher.requested.v1", "Of the example, in minor units."),
        ("webhook.processed.v1", "| `outcome` | yes | `PUBLISHED`, `RECORDED`, `UNMAPPABLE` |"),
        ("payment.captured.v1", "| `commission_bps` |  | whole number from 0 to 10000 |"),
    ],
)
def test_a_page_tells_members_entries_and_states(event_type: str, said: str) -> None:
    assert said in page(event_type)
