"""Sixteen writers of vouchers by hand on the same few accounts: whole groups or none of them, and no deadlock."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest

from deploy.demo.messages import Message
from tests.support.postings import Scene, event
from tests.support.writers import WRITERS, work_all

pytestmark = pytest.mark.postgres

PURSES = [f"wallet:seller:{n}" for n in range(8)]
Moved = tuple[str, str, int]
"""From, to, how much."""


def voucher(*moves: Moved) -> dict[str, object]:
    lines = [
        {"account": account, "side": side, "amount_minor": str(amount), "currency": "EUR"}
        for payer, payee, amount in moves
        for account, side in ((payer, "debit"), (payee, "credit"))
    ]
    return {"kind": "transfer", "lines": lines}


def requested(name: str, *moves: Moved) -> Message:
    return event("voucher.requested.v1", name, name, voucher(*moves))


def group(name: str, *members: Sequence[Moved]) -> Message:
    return event("voucher.group_requested.v1", name, name, {"vouchers": [voucher(*moves) for moves in members]})


def test_writers_that_name_the_same_accounts_in_opposite_orders_never_deadlock(scene: Scene) -> None:
    """Every line order there is: each voucher moves along all accounts, forwards or backwards."""
    steps = list(pairwise(PURSES))

    def stream(writer: int) -> list[Message]:
        forwards = [(payer, payee, 1) for payer, payee in steps[::2]]
        backwards = [(payee, payer, 1) for payer, payee in reversed(steps[::2])]
        return [requested(f"v-{writer}-{n}", *(forwards if (writer + n) % 2 else backwards)) for n in range(24)]

    said = Counter(code for future in work_all(scene, [stream(w) for w in range(WRITERS)]) for code in future.result())
    assert said == {"POSTED": WRITERS * 24}
    assert [scene.balance_minor(account) for account in PURSES] == [0] * 8  # as many went one way as the other
    assert scene.vouchers() == WRITERS * 24
    assert scene.deadlocks() == 0


def test_groups_over_crossing_accounts_post_whole_or_not_at_all(scene: Scene) -> None:
    """Purses can't be overdrawn, and more is asked for than there is: some members fail, and their groups with them."""
    funds = 150
    limited = {"pattern": "wallet:seller:*", "type": "liability", "limits": {"minimum_minor": "0", "policy": "deny"}}
    others = [one for one in scene.chart()["templates"] if one["pattern"] != limited["pattern"]]
    scene.apply_chart({**scene.chart(), "templates": [limited, *others]})
    scene.post(*(requested(f"funds-{n}", ("control:CASH", purse, funds)) for n, purse in enumerate(PURSES)))

    def stream(writer: int) -> list[Message]:
        random = Random(writer)

        def moves() -> list[Moved]:
            payer, payee = random.sample(PURSES, 2)
            return [(payer, payee, random.randint(1, 60))]

        return [group(f"g-{writer}-{n}", *(moves() for _ in range(3))) for n in range(16)]

    said = Counter(code for future in work_all(scene, [stream(w) for w in range(WRITERS)]) for code in future.result())
    assert set(said) <= {"POSTED", "LIMIT_MINIMUM", "GROUP_MEMBER_REFUSED"}
    assert len(said) > 1
    members = scene.rows(
        """SELECT convert_from(state, 'UTF8')::jsonb ->> 'event_id', count(*) FILTER (WHERE type = 'voucher.posted'),
            count(*) FILTER (WHERE type = 'event.rejected')
        FROM ledger.event WHERE order_key LIKE 'g-%%' GROUP BY 1"""
    )
    assert len(members) == WRITERS * 16
    assert {(posted, refused) for _, posted, refused in members} == {(3, 0), (0, 3)}
    assert sum(posted for _, posted, _ in members) == 3 * said["POSTED"]
    assert min(-scene.balance_minor(purse) for purse in PURSES) >= 0
    assert sum(-scene.balance_minor(purse) for purse in PURSES) == funds * 8
    assert scene.deadlocks() == 0
