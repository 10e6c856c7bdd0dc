"""Accounts that open on the fly open for what posts, and for nothing that is refused or waits."""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

import pytest

from deploy.demo.messages import Message
from ledger_core.operations.period_lifecycle import PeriodLifecycle
from ledger_core.store.connection import Role, connect
from tests.support.hold_events import placed
from tests.support.postings import BOOK, Gate, Scene, captured, event, outcomes, paid_out, refunded, voided
from tests.support.story_desk import VERIFIED

pytestmark = pytest.mark.postgres

SELLER, NEW, VAULT = "wallet:seller:1", "wallet:seller:9", "vault:1"
CLEARING = "clearing:processor:EUR"
Step = Callable[[Scene], object]


class Row(NamedTuple):
    before: Step
    message: Message
    code: str


def post(*messages: Message) -> Step:
    return lambda scene: scene.post(*messages)


def nothing(_scene: Scene) -> None:
    """It is so in any book."""


def freeze(scene: Scene) -> None:
    scene.post(captured("o-1"))
    scene.accounts().freeze(SELLER, reason="a test")


def close_a_year(scene: Scene) -> None:
    PeriodLifecycle(lambda: connect(scene.dsn, Role.POSTER), BOOK).close(date(2019, 12, 31), reason="a test")


def deny_overdrafts(scene: Scene) -> None:
    template = {"pattern": "wallet:seller:*", "type": "liability", "limits": {"minimum_minor": "0", "policy": "deny"}}
    others = [one for one in scene.chart()["templates"] if one["pattern"] != template["pattern"]]
    scene.apply_chart({**scene.chart(), "templates": [template, *others]})
    scene.post(captured("o-1", 10))


def demand_profiles(scene: Scene) -> None:
    other = "wallet:seller:8"
    scene.post(event("settlement_profile.updated.v1", other, "ready", {"beneficiary": other, **VERIFIED}))
    scene.apply_chart({**scene.chart(), "marketplace": {"require_profiles": True}})


def transfer(giver: str, amount: int = 20) -> dict[str, object]:
    """To the account that is not open."""
    sides = ((giver, "debit"), (NEW, "credit"))
    lines = [{"account": a, "side": side, "amount_minor": str(amount), "currency": "EUR"} for a, side in sides]
    return {"kind": "transfer", "lines": lines}


def by_hand(giver: str, amount: int = 20) -> Message:
    return event("voucher.requested.v1", "v-1", "v-1", transfer(giver, amount))


def together(*givers: str) -> Message:
    return event("voucher.group_requested.v1", "g-1", "g-1", {"vouchers": [transfer(giver) for giver in givers]})


def disputed() -> Message:
    data = {"payment_id": "o-1", "chargeback_id": "d-1", "amount_minor": "50", "currency": "EUR",
            "beneficiaries": [{"account": NEW, "amount_minor": "50"}]}  # fmt: skip
    return event("chargeback.opened.v1", "o-1", "d-1", data)


def making_good() -> Message:
    return event("voucher.requested.v1", "v-1", "v-1", {**transfer(CLEARING), "compensates": {"event_id": "nobody's"}})


LATE = captured("o-1", to=NEW, time="2019-06-01T00:00:00Z")
SECOND = captured("o-1", to=NEW, event_id="second")
NOT_POSTED = {
    "it queues behind another": Row(post(captured("o-1", to=VAULT)), SECOND, "ORDER_KEY_PARKED"),
    "it has no predecessor": Row(nothing, refunded("o-1", of=NEW), "PREDECESSOR_ABSENT"),
    "its payment is void": Row(post(captured("o-1"), voided("o-1")), SECOND, "PAYMENT_VOIDED"),
    "its payment has less left": Row(post(captured("o-1")), refunded("o-1", 101, of=NEW), "REFUND_EXCEEDS_CAPTURED"),
    "its period is closed": Row(close_a_year, LATE, "PERIOD_CLOSED"),
    "another account is frozen": Row(freeze, by_hand(SELLER), "ACCOUNT_FROZEN"),
    "another account denies it": Row(deny_overdrafts, by_hand(SELLER), "LIMIT_MINIMUM"),
    "another account is not there": Row(nothing, by_hand(VAULT), "ACCOUNT_MISSING"),
    "the new account denies it": Row(deny_overdrafts, paid_out("p-1", of=NEW), "LIMIT_MINIMUM"),
    "nothing can be held of the new account": Row(deny_overdrafts, placed("h-1", 1, of=NEW), "INSUFFICIENT_AVAILABLE"),
    "its dispute has no payment": Row(nothing, disputed(), "PREDECESSOR_ABSENT"),
    "what it makes good is not there": Row(nothing, making_good(), "VOUCHER_UNKNOWN"),
    "its beneficiary can't be paid out": Row(demand_profiles, captured("o-1", to=NEW), "SELLER_PAYOUT_PROFILE_MISSING"),
    "another voucher of its group is refused": Row(freeze, together(CLEARING, SELLER), "ACCOUNT_FROZEN"),
}


def is_open(scene: Scene) -> bool:
    return bool(scene.one("SELECT count(*) FROM ledger.account WHERE code = %s", NEW))


@pytest.mark.parametrize("case", NOT_POSTED)
def test_an_event_that_does_not_post_opens_no_account(case: str, scene: Scene) -> None:
    row = NOT_POSTED[case]
    row.before(scene)
    position = scene.position()
    last = outcomes(scene.post(captured("o-9", to="wallet:seller:8"), row.message))[-1]
    assert last in (row.code, "GROUP_MEMBER_REFUSED")
    assert not is_open(scene)
    assert scene.position() >= position + 3


def test_what_waits_opens_its_account_once_it_posts(scene: Scene) -> None:
    scene.post(captured("o-1", to=VAULT))
    scene.post(SECOND)
    scene.post(captured("o-1", event_id="third"))  # looks at the whole queue
    assert not is_open(scene)
    scene.accounts().open_account(VAULT, account_type="asset", currency="EUR")
    healed = scene.worker().poster.heal(BOOK, f"account:{VAULT}").healed
    assert [decided.outcome.value for _, decided in healed] == ["POSTED"] * 3
    assert scene.balance_minor(NEW) == -100


@pytest.mark.parametrize(
    "message",
    [SECOND, refunded("o-1", 50, of=NEW), together(CLEARING, SELLER), by_hand(SELLER, 10)],
    ids=["capture", "refund", "group", "transfer"],
)
def test_what_might_have_been_refused_and_is_not_opens_its_account_once(message: Message, scene: Scene) -> None:
    scene.post(captured("o-1"))
    assert outcomes(scene.post(message, captured("o-2", to=NEW))) == ["POSTED", "POSTED"]
    opened = "SELECT count(*) FROM ledger.event WHERE type = 'account.opened' AND order_key = ''"
    before = scene.one(opened)
    assert is_open(scene)
    scene.post(captured("o-3", to=NEW))
    assert scene.one(opened) == before


def test_what_was_decided_on_an_account_that_was_not_open_is_decided_anew_once_another_has_opened_it(
    scene: Scene,
) -> None:
    deny_overdrafts(scene)
    gate = Gate("decided")
    first, second = scene.worker(0, label=gate), scene.worker(1)
    scene.topic.send(paid_out("p-1", 60, of=NEW), partition=0)
    scene.topic.send(captured("o-2", 60, to=NEW), partition=1)
    one = scene.start(first.work)
    gate.wait()
    assert outcomes(second.work()) == ["POSTED"]
    gate.open()
    assert outcomes(one.result()) == ["POSTED"]
    assert scene.balance_minor(NEW) == 0
