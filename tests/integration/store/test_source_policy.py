"""How far a source may reach into the vouchers of a book: by its own events, where the policy says no more."""

from collections.abc import Sequence

import orjson
import pytest

from deploy.demo.messages import Message
from tests.support.postings import BOOK, Scene, captured, compensation, event, outcomes, void_requested

pytestmark = pytest.mark.postgres

STRIPE, ADYEN, SERVICE = "/processors/stripe", "/processors/adyen", "/services/desk"
OWN_DESK = [
    {"source": "/processors/*", "types": ["payment.*"]},
    {"source": SERVICE, "types": ["payment.*", "voucher.*"], "vouchers": "own"},
]


@pytest.fixture
def undeclared(scene: Scene) -> Scene:
    """A book whose chart says nothing of sources; Stripe's capture is its voucher 1, the service's its voucher 2."""
    scene.apply_chart({name: member for name, member in scene.chart().items() if name != "sources"})
    sent = [captured("o-1", event_id="e-1", source=STRIPE), captured("o-2", event_id="e-2", source=SERVICE)]
    assert outcomes(scene.post(*sent)) == ["POSTED", "POSTED"]
    return scene


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (void_requested("o-1", of="e-1", source=STRIPE), "POSTED"),
        (void_requested("o-1", of="e-1", of_source=STRIPE, source=STRIPE), "POSTED"),
        (void_requested("o-1", voucher_no=1, source=STRIPE), "SOURCE_NOT_ALLOWED"),
        (void_requested("o-2", voucher_no=2, source=STRIPE), "SOURCE_NOT_ALLOWED"),
        (void_requested("o-2", of="e-2", of_source=SERVICE, source=STRIPE), "SOURCE_NOT_ALLOWED"),
        (void_requested("o-1", of="e-1", of_source=STRIPE, source=ADYEN), "SOURCE_NOT_ALLOWED"),
        (void_requested("o-1", of="e-1", source=ADYEN), "PREDECESSOR_ABSENT"),
        (void_requested("o-2", of="e-2", source=SERVICE), "SOURCE_NOT_ALLOWED"),
        (void_requested("o-1", voucher_no=1, source=SERVICE), "SOURCE_NOT_ALLOWED"),
    ],
)
def test_a_processor_takes_back_only_what_it_posted_itself_and_a_service_nothing(
    undeclared: Scene, sent: Message, said: str
) -> None:
    assert outcomes(undeclared.post(sent)) == [said]


def test_who_may_send_all_by_another_row_is_not_held_to_its_own(undeclared: Scene) -> None:
    everything = {"source": STRIPE, "types": ["voucher.void_requested.v1"]}
    undeclared.apply_chart({**undeclared.chart(), "sources": [*OWN_DESK, everything]})
    assert outcomes(undeclared.post(void_requested("o-2", voucher_no=2, source=STRIPE))) == ["POSTED"]


def grouped(*members: Message) -> Message:
    vouchers = [_data(one) for one in members]
    return event("voucher.group_requested.v1", "g-1", "group", {"vouchers": vouchers}, source=SERVICE)


def _data(message: Message) -> dict[str, object]:
    found = orjson.loads(message.value or b"")
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ([void_requested("o-2", of="e-2", source=SERVICE)], ["POSTED"]),
        ([void_requested("o-2", voucher_no=2, source=SERVICE)], ["SOURCE_NOT_ALLOWED"]),
        ([compensation("o-2", of="e-2", source=SERVICE)], ["POSTED"]),
        ([compensation("o-1", voucher_no=1, source=SERVICE)], ["SOURCE_NOT_ALLOWED"]),
        ([grouped(compensation("o-2", of="e-2"), compensation("o-1", voucher_no=1))], ["SOURCE_NOT_ALLOWED"]),
    ],
)
def test_a_chart_can_hold_any_source_to_its_own_vouchers(
    undeclared: Scene, sent: Sequence[Message], said: Sequence[str]
) -> None:
    undeclared.apply_chart({**undeclared.chart(), "sources": OWN_DESK})
    assert outcomes(undeclared.post(*sent)) == said
    assert undeclared.chart(BOOK)["sources"] == OWN_DESK
