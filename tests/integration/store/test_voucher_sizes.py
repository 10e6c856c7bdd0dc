"""How long a voucher may be: a thousand lines post, one more is refused, alone or in a group."""

import pytest

from deploy.demo.messages import Message
from tests.support.postings import Scene, event, outcomes

pytestmark = pytest.mark.postgres


def voucher(lines: int) -> dict[str, object]:
    """One debit, and what it takes to balance it."""
    drawn = [{"account": "control:CASH", "side": "debit", "amount_minor": str(lines - 1), "currency": "EUR"}]
    drawn += [
        {"account": f"wallet:seller:{n}", "side": "credit", "amount_minor": "1", "currency": "EUR"}
        for n in range(lines - 1)
    ]
    return {"kind": "payout", "lines": drawn}


def one(lines: int) -> Message:
    return event("voucher.requested.v1", f"v-{lines}", f"v-{lines}", voucher(lines))


def group(*lines: int) -> Message:
    name = f"g-{sum(lines)}"
    return event("voucher.group_requested.v1", name, name, {"vouchers": [voucher(count) for count in lines]})


def test_a_thousand_lines_post_from_a_topic_and_one_more_is_refused(scene: Scene) -> None:
    answers = scene.post(one(1_000), one(1_001), group(600, 400), group(600, 401))
    assert outcomes(answers) == ["POSTED", "DATA_INVALID", "POSTED", "DATA_INVALID"]
    refused = [decided.detail for decided in answers.decided if decided and decided.code]
    assert ["1000" in detail for detail in refused] == [True, True]
    assert scene.rows("SELECT count(*), max(line) FROM ledger.entry GROUP BY position ORDER BY 1") == [
        (400, 400), (600, 600), (1_000, 1_000)
    ]  # fmt: skip
    assert scene.balance_minor("cash:bank:EUR") == 999 + 599 + 399
