"""The generated month: the same for the same seed, whole, and with everything in it that it promises."""

import json
from collections import Counter

import pytest

from deploy.demo.bad_events import BAD_KINDS
from deploy.demo.marketplace import BOOK, MONTH_S, MONTH_START_S, generate_month
from deploy.demo.messages import Message, rfc3339

ORDERS = 1_500


@pytest.fixture(scope="module")
def month() -> list[Message]:
    return list(generate_month(7, ORDERS))


def attribute(message: Message, name: str) -> str:
    return dict(message.headers).get(f"ce_{name}", b"").decode("latin-1")


def good(month: list[Message]) -> list[Message]:
    return [message for message in month if attribute(message, "id").startswith(("payment-", "payout-"))]


def test_same_seed_gives_the_same_month_and_another_seed_another(month: list[Message]) -> None:
    assert list(generate_month(7, ORDERS)) == month
    assert list(generate_month(8, ORDERS)) != month


def test_default_month_has_more_than_twenty_thousand_events() -> None:
    assert sum(1 for _ in generate_month(1)) > 20_000


def test_events_of_one_order_have_one_key(month: list[Message]) -> None:
    assert all(message.key.decode() == attribute(message, "subject") for message in good(month))


def test_every_event_is_of_the_demo_book_and_happened_in_the_month_or_just_after(month: list[Message]) -> None:
    first, last = rfc3339(MONTH_START_S - 86_400), rfc3339(MONTH_START_S + MONTH_S + 14 * 86_400)
    for message in good(month):
        assert attribute(message, "ledgerbook") == BOOK
        assert first < attribute(message, "time") < last


def test_every_kind_of_event_is_there(month: list[Message]) -> None:
    kinds = Counter(attribute(message, "type") for message in good(month))
    assert set(kinds) == {
        "payment.authorized.v1", "payment.captured.v1", "payment.voided.v1", "payment.refunded.v1", "payout.paid.v1",
    }  # fmt: skip
    assert min(kinds.values()) > ORDERS / 50


def test_every_kind_of_nonsense_is_there(month: list[Message]) -> None:
    assert len(month) - len(good(month)) == len(BAD_KINDS)
    assert len({kind.name for kind in BAD_KINDS}) == len(BAD_KINDS)


def test_some_come_twice_and_some_with_another_payload(month: list[Message]) -> None:
    values: dict[str, list[bytes]] = {}
    for message in good(month):
        values.setdefault(attribute(message, "id"), []).append(message.value)
    repeated = [copies for copies in values.values() if len(copies) > 1]
    assert any(len(set(copies)) == 1 for copies in repeated)
    assert any(len(set(copies)) > 1 for copies in repeated)


def test_some_refunds_and_voids_come_before_what_they_undo(month: list[Message]) -> None:
    first_seen: dict[tuple[str, str], int] = {}
    for place, message in enumerate(good(month)):
        first_seen.setdefault((attribute(message, "subject"), attribute(message, "type")), place)
    late = Counter(
        kind
        for (subject, kind), place in first_seen.items()
        if kind in ("payment.refunded.v1", "payment.voided.v1")
        and place < max(first_seen.get((subject, f"payment.{made}.v1"), -1) for made in ("authorized", "captured"))
    )
    assert set(late) == {"payment.refunded.v1", "payment.voided.v1"}


def test_only_the_captures_meant_for_it_differ_from_their_beneficiaries(month: list[Message]) -> None:
    paid: Counter[str] = Counter()
    shared: Counter[str] = Counter()
    seen: set[str] = set()
    for message in good(month):
        event_id = attribute(message, "id")
        if attribute(message, "type") == "payment.captured.v1" and event_id not in seen:
            seen.add(event_id)
            data = json.loads(message.value)
            order = attribute(message, "subject")
            paid[order] += int(data["amount_minor"])
            shared[order] += sum(int(share["amount_minor"]) for share in data.get("beneficiaries", []))
    differing = [order for order in paid if paid[order] != shared[order]]
    assert 0 < len(differing) < ORDERS / 50
