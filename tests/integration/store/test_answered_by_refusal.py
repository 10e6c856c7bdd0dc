"""Who waits for an event is answered by its refusal, too, however plain the batch is in which that comes."""

import pytest

from deploy.demo.messages import Message
from tests.support.postings import Scene, captured, event, outcomes, paid_out, void_requested

pytestmark = pytest.mark.postgres


def healed(scene: Scene, *messages: Message) -> tuple[list[str], list[str]]:
    result = scene.post(*messages)
    return outcomes(result), [one.code or one.outcome.value for _, one in result.healed]


REFUSED = {
    "AMOUNT_NOT_POSITIVE": captured("o-1", 0, event_id="c-1"),
    "CURRENCY_UNKNOWN": captured("o-1", event_id="c-1", currency="ZZZ"),
    "DATA_INVALID": event("payment.captured.v1", "o-1", "c-1", {"payment_id": "o-1"}),
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_void_is_answered_when_the_event_it_waits_for_is_rejected(code: str, scene: Scene) -> None:
    assert outcomes(scene.post(void_requested("o-1", of="c-1"))) == ["PREDECESSOR_ABSENT"]
    plain = captured("o-2")
    assert healed(scene, plain, REFUSED[code]) == (["POSTED", code], ["VOUCHER_UNKNOWN"])
    assert healed(scene, captured("o-1", event_id="c-2")) == (["POSTED"], [])


def test_in_one_batch_as_in_two(scene: Scene) -> None:
    batch = [void_requested("o-1", of="c-1"), REFUSED["AMOUNT_NOT_POSITIVE"], captured("o-1", event_id="c-2")]
    arrived, answered = healed(scene, *batch)
    assert (arrived[:2], answered[0]) == (["PREDECESSOR_ABSENT", "AMOUNT_NOT_POSITIVE"], "VOUCHER_UNKNOWN")
    assert scene.one("SELECT sum(parked) FROM ledger.subject") == 0
    assert scene.balance_minor("wallet:seller:1") == -100


def test_another_rejected_event_of_the_key_answers_nobody(scene: Scene) -> None:
    scene.post(void_requested("p-1", of="paid-out-p-1"))
    assert healed(scene, captured("p-1", 0, event_id="other")) == (["AMOUNT_NOT_POSITIVE"], [])
    assert healed(scene, paid_out("p-1")) == (["POSTED"], ["POSTED"])
