"""Amounts and sums at the borders of 64 bits, through decoding, columns and the exact path; and new assets."""

import pytest

from consumers.bootstrap import database_decoder
from consumers.decode import Decoder
from deploy.demo.messages import Message
from ledger_core.domain.money import MAX_AMOUNT_MINOR, MAX_COUNTER_MINOR
from ledger_core.operations.assets import add_asset
from ledger_core.store.connection import Role, connect
from tests.support.postings import Scene, Worker, captured, event, outcomes, paid_out

pytestmark = pytest.mark.postgres

LARGEST = MAX_AMOUNT_MINOR
ROOM = MAX_COUNTER_MINOR - 9 * LARGEST
"""What an account still takes after nine of the largest amounts."""


def capture(n: int, amount: int) -> Message:
    return captured(f"o-{n}", amount)


def test_the_largest_amount_posts_and_one_more_is_no_amount(scene: Scene) -> None:
    assert (LARGEST, len(str(LARGEST))) == (10**18 - 1, 18)
    assert outcomes(scene.post(capture(1, LARGEST), capture(2, 10**18))) == ["POSTED", "AMOUNT_INVALID"]
    assert scene.balance_minor("wallet:seller:1") == -LARGEST


def test_sums_that_numpy_would_wrap_are_refused_in_one_batch(scene: Scene) -> None:
    said = outcomes(scene.post(*(capture(n, LARGEST) for n in range(11))))
    assert said == ["POSTED"] * 9 + ["OVERFLOW"] * 2
    assert scene.balance_minor("wallet:seller:1") == -9 * LARGEST


@pytest.mark.parametrize("more", [-1, 0])
def test_a_counter_is_filled_to_its_last_unit(scene: Scene, more: int) -> None:
    scene.post(*(capture(n, LARGEST) for n in range(9)))
    assert outcomes(scene.post(capture(10, ROOM + more))) == ["POSTED"]
    left = scene.one("SELECT min(9223372036854775807 - credits_posted) FROM ledger.account_head")
    assert left == -more


def test_one_unit_beyond_a_counter_is_refused_and_what_fits_after_it_posts(scene: Scene) -> None:
    scene.post(*(capture(n, LARGEST) for n in range(9)))
    said = outcomes(scene.post(capture(10, ROOM + 1), capture(11, ROOM), capture(12, 1)))
    assert said == ["OVERFLOW", "POSTED", "OVERFLOW"]


def test_a_batch_whose_sum_alone_passes_the_border_posts_where_no_account_does(scene: Scene) -> None:
    apart = [captured(f"o-{n}", LARGEST, to=f"wallet:seller:{n}", payer=f"wallet:buyer:{n}") for n in range(12)]
    assert outcomes(scene.post(*apart)) == ["POSTED"] * 12


def test_balances_at_the_border_come_back(scene: Scene) -> None:
    scene.post(*(capture(n, LARGEST) for n in range(9)), capture(9, ROOM))
    said = outcomes(scene.post(*(paid_out(f"p-{n}", LARGEST) for n in range(9)), paid_out("p-9", ROOM)))
    assert said == ["POSTED"] * 10
    assert scene.balance_minor("wallet:seller:1") == 0


def add(scene: Scene, code: str, scale: int = 9) -> None:
    with connect(scene.dsn, Role.POSTER) as connection:
        add_asset(connection, code, scale=scale, name=code, reason="a test")


def running(scene: Scene, *partitions: int) -> Worker:
    """A worker that decodes as a process does, and has looked at the assets already."""
    worker = Worker(scene.dsn, scene.topic, database_decoder(scene.dsn))
    worker.poster.open()
    return worker.take(*(partitions or (0,)))


def test_a_running_worker_posts_in_an_asset_that_was_added_since_it_started(scene: Scene) -> None:
    worker = running(scene)
    scene.topic.send(captured("o-1"), captured("o-2", currency="ETH"))
    assert outcomes(worker.work()) == ["POSTED", "CURRENCY_UNKNOWN"]
    add(scene, "ETH")
    for order, amount in (("o-3", 7), ("o-4", 5)):
        scene.topic.send(captured(order, amount, to="wallet:seller:eth", currency="ETH"))
    scene.topic.send(paid_out("p-1", 5, of="wallet:seller:eth", currency="ETH"))
    assert outcomes(worker.work()) == ["POSTED", "POSTED", "POSTED"]
    assert scene.balance_minor("wallet:seller:eth") == -7
    worker.poster.close()


def test_the_assets_are_read_anew_once_a_batch_whatever_is_unknown_in_it(scene: Scene) -> None:
    asked = []

    def read() -> dict[str, int]:
        asked.append(1)
        return {"EUR": 978, "ETH": 1003}

    decoder = Decoder({"EUR": 978}, read_assets=read)
    scene.topic.send(*(captured(f"o-{n}", currency=currency) for n, currency in enumerate(["EUR", "XXA", "XXB"] * 50)))
    said = decoder.decode_many(scene.topic.records[0])
    assert (sum(event.refusal is not None for event in said), len(asked)) == (100, 1)
    scene.topic.send(captured("o-200", currency="ETH"))
    assert decoder.decode(scene.topic.records[0][-1]).fact is not None
    assert len(asked) == 1


def test_a_fact_that_waits_for_its_predecessor_keeps_the_currency_that_came_later(scene: Scene) -> None:
    """The subject of an order key remembers the asset: a stale memory would remember none."""
    worker = running(scene)
    scene.topic.send(captured("o-1"))
    worker.work()
    add(scene, "SOL")
    data = {"payment_id": "o-2", "amount_minor": "5", "currency": "SOL", "method": "card"}
    scene.topic.send(event("payment.authorized.v1", "o-2", "a-2", data))
    assert outcomes(worker.work()) == ["RECORDED"]
    asset = "SELECT code FROM ledger.subject JOIN ledger.asset USING (asset_id) WHERE order_key = 'o-2'"
    assert scene.one(asset) == "SOL"
    worker.poster.close()


def test_both_preparers_of_a_poster_learn_of_a_new_asset(scene: Scene) -> None:
    worker = running(scene)
    scene.topic.send(captured("o-1"))
    worker.work()
    add(scene, "ADA")
    # A known order key sends the batch to the exact path, which prepares with what it remembers itself.
    scene.topic.send(captured("o-1", event_id="again"), captured("o-2", to="wallet:seller:ada", currency="ADA"))
    scene.topic.send(captured("o-1"))
    assert outcomes(worker.work()) == ["POSTED", "POSTED", "REPLAYED"]
    worker.poster.close()
