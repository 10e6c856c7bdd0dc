"""What goes back of a payment goes back where it came from, and no more than came from there: in any batch."""

from collections.abc import Iterator, Mapping, Sequence

import pytest

from deploy.demo.messages import Message
from tests.support.postings import event, void_requested
from tests.support.story_books import StoryBooks, story_books

pytestmark = pytest.mark.postgres

P = "p-1"
SELLER, BUYER, OTHER = "wallet:seller:1", "wallet:buyer:5", "wallet:buyer:6"
CLEARING, COURIERS, RESERVE = "clearing:processor:EUR", "cash:delivery:EUR", "reserve:chargebacks:EUR"
ON_DELIVERY = {"method": "cash_on_delivery", "confirmed_by": "courier-9", "confirmed_at": "2026-11-21T08:00:00Z"}
FROM_COURIERS = "control:CASH_ON_DELIVERY"


def captured(amount: int = 100, name: str = "captured", payer: str = "") -> Message:
    return _step("payment.captured", name, amount, payer, method="card")


def refunded(amount: int, name: str = "r", payer: str = "") -> Message:
    return _step("payment.refunded", name, amount, payer, refund_id=name)


def completed(amount: int, payer: str = "") -> list[Message]:
    """A refund in steps: nobody says where it goes before it is done."""
    return [
        _step("refund.requested", "asked", amount, refund_id="r"),
        _step("refund.approved", "approved", refund_id="r"),
        _step("refund.completed", "completed", amount, payer, refund_id="r"),
    ]


def disputed(amount: int, name: str = "d", which: str = "opened") -> Message:
    return _step(f"chargeback.{which}", f"{which}-{name}", amount, chargeback_id=name)


def _step(event_type: str, name: str, amount: int = 0, payer: str = "", **data: str) -> Message:
    amounts = {"amount_minor": str(amount), "currency": "EUR"} if amount else {}
    said = {"payment_id": P, **amounts, **data, **({"payer": payer} if payer else {})}
    return event(f"{event_type}.v1", P, name, said)


CARD, WALLET = captured(), captured(payer=BUYER)
CASH = _step("payment.captured", "captured", 100, **ON_DELIVERY)
MIXED = [captured(60, "wallet", BUYER), captured(40, "card")]
REFUND, DISPUTE = "REFUND_EXCEEDS_CAPTURED", "CHARGEBACK_EXCEEDS_CAPTURED"

Story = tuple[str, Sequence[Message], Mapping[str, str], Mapping[str, int]]
"""What is sent, which of it is refused by event id, and balances."""
STORIES: Sequence[Story] = [
    ("a wallet gets back what it paid", [WALLET, refunded(100, payer=BUYER)], {}, {BUYER: 0, CLEARING: 0}),
    ("not the processor", [WALLET, refunded(100)], {"r": REFUND}, {BUYER: 100, CLEARING: 0}),
    ("nor another wallet", [WALLET, refunded(100, payer=OTHER)], {"r": REFUND}, {BUYER: 100, OTHER: 0}),
    ("what a processor captured goes back by it", [CARD, refunded(100, payer=BUYER)], {"r": REFUND}, {BUYER: 0}),
    ("also where it is named", [CARD, refunded(40, payer="control:PROCESSOR_CLEARING")], {}, {CLEARING: 60}),
    ("cash on delivery goes back from the couriers'", [CASH, refunded(100, payer=FROM_COURIERS)], {},
     {COURIERS: 0, CLEARING: 0}),
    ("not by a processor", [CASH, refunded(100)], {"r": REFUND}, {COURIERS: 100, CLEARING: 0}),
    ("in steps as at once", [WALLET, *completed(40)], {"completed": REFUND}, {BUYER: 100, CLEARING: 0}),
    ("and to whom it belongs", [WALLET, *completed(40, BUYER)], {}, {BUYER: 60, CLEARING: 0}),
    ("of two that paid each gets its own", [*MIXED, refunded(60, "w", BUYER), refunded(40, "c")], {},
     {BUYER: 0, CLEARING: 0}),
    ("none of them more than it paid", [*MIXED, refunded(40, "w", BUYER), refunded(21, "again", BUYER)],
     {"again": REFUND}, {BUYER: 20, CLEARING: 40}),
    ("nor the processor", [*MIXED, refunded(41)], {"r": REFUND}, {BUYER: 60, CLEARING: 40}),
    ("a refund that was taken back counts no more",
     [*MIXED, refunded(60, "w", BUYER), void_requested(P, of="w"), refunded(60, "again", BUYER)], {}, {BUYER: 0}),
    ("a capture stays whose account got part of it back",
     [*MIXED, refunded(30, "w", BUYER), void_requested(P, of="wallet")], {"void-p-1-0wallet": "VOID_AFTER_REFUND"},
     {BUYER: 30, CLEARING: 40}),
    ("the other one may be taken back", [*MIXED, refunded(30, "w", BUYER), void_requested(P, of="card")], {},
     {BUYER: 30, CLEARING: 0}),
    ("nobody disputes with a processor what a wallet paid", [WALLET, disputed(40)], {"opened-d": DISPUTE},
     {RESERVE: 0}),
    ("nor cash on delivery", [CASH, disputed(40)], {"opened-d": DISPUTE}, {RESERVE: 0}),
    ("but what the processor captured", [*MIXED, disputed(40)], {}, {RESERVE: -40}),
    ("and no more", [*MIXED, disputed(30), disputed(11, "e")], {"opened-e": DISPUTE}, {RESERVE: -30}),
    ("nor what it gave back", [*MIXED, refunded(30), disputed(11)], {"opened-d": DISPUTE}, {RESERVE: 0}),
    ("what is disputed does not go back besides", [*MIXED, disputed(30), refunded(11)], {"r": REFUND}, {CLEARING: 40}),
    ("a dispute that is won takes nothing", [*MIXED, disputed(30), disputed(30, which="won"), refunded(40)], {},
     {CLEARING: 0}),
]  # fmt: skip


@pytest.fixture(scope="module")
def books(postgres_server: str) -> Iterator[StoryBooks]:
    with story_books(postgres_server) as books:
        yield books


@pytest.mark.parametrize(("messages", "refused", "balances"), [row[1:] for row in STORIES], ids=[s[0] for s in STORIES])
@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
def test_it_goes_back_where_it_came_from(
    books: StoryBooks,
    one_by_one: bool,
    messages: Sequence[Message],
    refused: Mapping[str, str],
    balances: Mapping[str, int],
) -> None:
    book = books.new()
    said = books.play(book, *messages, one_by_one=one_by_one)
    names = [dict(message.headers)["ce_id"].decode() for message in messages]
    codes = {name: code for name, code in zip(names, said, strict=True) if code not in ("POSTED", "RECORDED")}
    assert codes == refused
    assert books.balances_minor(book, balances) == balances
