"""Accounts by event: opened, frozen, unfrozen and closed in one order with the entries around them."""

from collections.abc import Iterator

import pytest

from deploy.demo.messages import Message
from ledger_core.domain.outcomes import Code
from ledger_core.operations.account_lifecycle import AccountRefusedError
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role, connect
from ledger_core.store.verify import verify
from tests.support.account_events import SUSPENSE, closed, frozen, left_over, opened, unfrozen
from tests.support.hold_events import placed, released
from tests.support.postings import BOOK, CHART, Scene, captured, event, outcomes, paid_out, voided

pytestmark = pytest.mark.postgres

SELLER, OTHER, VAULT = "wallet:seller:1", "wallet:seller:2", "vault:1"


@pytest.fixture
def scene(scene: Scene) -> Iterator[Scene]:
    yield scene
    assert [check for check in verify(scene.dsn).checks if not check.ok] == []


def status(scene: Scene, code: str = SELLER) -> str:
    return str(scene.one("SELECT status FROM ledger.account_head JOIN ledger.account USING (book_id, account_id) "
                         "WHERE code = %s", code))  # fmt: skip


def told(scene: Scene, code: str = SELLER) -> list[tuple[str, str]]:
    """The account's own events, with the upstream event that asked for each."""
    return scene.rows(
        """SELECT type, coalesce(s ->> 'event_id', '') FROM
            (SELECT *, convert_from(state, 'UTF8')::jsonb AS s FROM ledger.event WHERE originator_id IS NOT NULL) told
        WHERE s ->> 'code' = %s ORDER BY position""",
        code,
    )


def test_an_account_opens_by_event_as_it_says(scene: Scene) -> None:
    assert outcomes(scene.post(opened(VAULT, account_type="asset", role="VAULT", keyed=True))) == ["RECORDED"]
    account = scene.accounts().show(VAULT)
    assert (account.type, account.currency, account.role, account.keyed) == ("asset", "EUR", "VAULT", True)


@pytest.mark.parametrize(
    ("first", "changed"),
    [
        (opened(VAULT), opened("vault:2", event_id=f"opened-{VAULT}", limits={"minimum_minor": "0", "policy": "deny"})),
        (captured("o-1"), captured("o-1", to=OTHER, currency="USD")),
    ],
    ids=["opening", "voucher"],
)
def test_an_id_that_was_decided_opens_nothing_however_its_data_changed(
    scene: Scene, first: Message, changed: Message
) -> None:
    scene.post(first)
    assert outcomes(scene.post(changed, captured("o-2"))) == ["IDEMPOTENCY_CONFLICT", "POSTED"]
    assert not {("vault:2",), (OTHER,), ("suspense:orders:USD",)} & {*scene.rows("SELECT code FROM ledger.account")}


def test_an_account_that_is_open_as_said_is_left_as_it_is_and_another_is_refused(scene: Scene) -> None:
    scene.post(opened(VAULT, keyed=True))
    again = [
        opened(VAULT, event_id="same"),
        opened(VAULT, event_id="said", keyed=True),
        opened(VAULT, event_id="type", account_type="asset"),
        opened(VAULT, event_id="currency", currency="USD"),
        opened(VAULT, event_id="keyed", keyed=False),
        opened(VAULT, event_id="limits", limits={"minimum_minor": "0", "policy": "deny"}),
    ]
    assert outcomes(scene.post(*again)) == ["RECORDED", "RECORDED", *["ACCOUNT_EXISTS_DIFFERENTLY"] * 4]


def test_an_account_opens_with_its_limits(scene: Scene) -> None:
    limits = {"minimum_minor": "-50", "policy": "deny"}
    batch = [opened(SELLER, limits=limits), paid_out("p-1", 50), paid_out("p-2", 1)]
    assert outcomes(scene.post(*batch)) == ["RECORDED", "POSTED", "LIMIT_MINIMUM"]


def test_an_account_opened_by_an_event_is_bound_by_what_the_chart_says_of_such_accounts(scene: Scene) -> None:
    chart = {**CHART, "templates": [
        {"pattern": "wallet:*", "type": "liability", "limits": {"minimum_minor": "0", "policy": "deny"}}
    ]}  # fmt: skip
    with connect(scene.dsn, Role.POSTER) as connection:
        create_book(connection, "limited", chart)
    suspense = "suspense:orders:EUR"
    batch = [opened(SELLER), opened(suspense), paid_out("p-1", 1)]
    limited = [message._replace(headers=tuple(
        (name, b"limited" if name == "ce_ledgerbook" else value) for name, value in message.headers
    )) for message in batch]  # fmt: skip
    assert outcomes(scene.post(*limited)) == ["RECORDED", "RECORDED", "LIMIT_MINIMUM"]
    keyed = (
        "SELECT keyed FROM ledger.account JOIN ledger.book USING (book_id) WHERE book.code = %s AND account.code = %s"
    )
    assert scene.one(keyed, "limited", suspense)


def test_what_waited_for_an_account_posts_once_an_event_opens_it(scene: Scene) -> None:
    assert outcomes(scene.post(captured("o-1", to=VAULT))) == ["ACCOUNT_MISSING"]
    result = scene.post(opened(VAULT))
    assert [decided.outcome for _, decided in result.healed] == ["POSTED"]
    assert scene.balance_minor(VAULT) == -100


def test_a_freeze_that_came_before_its_account_waits_and_follows_the_opening(scene: Scene) -> None:
    assert outcomes(scene.post(frozen(VAULT))) == ["ACCOUNT_MISSING"]
    scene.post(opened(VAULT))
    assert (status(scene, VAULT), told(scene, VAULT)) == (
        "F", [("account.opened", ""), ("account.frozen", f"frozen-{VAULT}")],
    )  # fmt: skip


def test_a_freeze_stands_between_the_entries_before_and_after_it(scene: Scene) -> None:
    batch = [captured("o-1"), frozen(SELLER), captured("o-2"), captured("o-3", to=OTHER)]
    assert outcomes(scene.post(*batch)) == ["POSTED", "RECORDED", "ACCOUNT_FROZEN", "POSTED"]
    assert (status(scene), scene.balance_minor(SELLER)) == ("F", -100)
    result = scene.post(unfrozen(SELLER), captured("o-4"))
    assert outcomes(result) == ["RECORDED", "POSTED"]
    assert [decided.outcome for _, decided in result.healed] == ["POSTED"]
    assert told(scene)[1:] == [("account.frozen", f"frozen-{SELLER}"), ("account.unfrozen", f"unfrozen-{SELLER}")]
    account = scene.accounts().freeze(SELLER, reason="by hand, after events")
    assert account.version == 4


def test_an_account_may_be_frozen_unfrozen_and_frozen_again_in_one_batch(scene: Scene) -> None:
    scene.post(captured("o-1"), frozen(SELLER))
    batch = [unfrozen(SELLER), captured("o-2"), frozen(SELLER, event_id="again"), captured("o-3"),
             unfrozen(SELLER, event_id="at last"), captured("o-4")]  # fmt: skip
    assert outcomes(scene.post(*batch)) == ["RECORDED", "POSTED", "RECORDED", "ACCOUNT_FROZEN", "RECORDED", "POSTED"]
    assert (status(scene), scene.balance_minor(SELLER)) == ("O", -400)
    assert len(told(scene)) == 5


@pytest.mark.parametrize(
    ("then", "left"), [([], "O"), ([frozen(SELLER, event_id="again")], "F")], ids=["open", "frozen"]
)
def test_a_hold_behind_the_unfreezing_of_its_account_is_placed_in_the_same_batch(
    scene: Scene, then: list[Message], left: str
) -> None:
    scene.post(opened(SELLER), frozen(SELLER))
    result = scene.post(unfrozen(SELLER), placed("h", 10, of=SELLER), *then)
    assert outcomes(result) == ["RECORDED"] * (2 + len(then))
    assert status(scene) == left


def test_the_same_event_again_is_a_replay(scene: Scene) -> None:
    scene.post(captured("o-1"), frozen(SELLER))
    assert outcomes(scene.post(frozen(SELLER))) == ["REPLAYED"]
    assert scene.post(frozen(SELLER, event_id="another")).decided[0].code == "ACCOUNT_ALREADY_FROZEN"  # type: ignore[union-attr]


def test_an_account_closes_at_zero_and_takes_nothing_for_ever(scene: Scene) -> None:
    batch = [captured("o-1", 50), closed(SELLER, event_id="early"), paid_out("p-1", 50), closed(SELLER)]
    assert outcomes(scene.post(*batch)) == ["POSTED", "ACCOUNT_NOT_ZERO", "POSTED", "RECORDED"]
    later = [captured("o-2"), frozen(SELLER), unfrozen(SELLER), opened(SELLER), closed(SELLER, event_id="again")]
    assert outcomes(scene.post(*later)) == ["ACCOUNT_CLOSED"] * 5
    assert (status(scene), told(scene)[-1]) == ("C", ("account.closed", f"closed-{SELLER}"))


@pytest.mark.parametrize("one_batch", [True, False])
def test_what_is_closed_waits_for_nobody_who_would_get_the_rest(scene: Scene, one_batch: bool) -> None:
    """Not even where that account is not there: it can never be right."""
    batch = [captured("o-1", 50), paid_out("p-1", 50), closed(SELLER), closed(SELLER, to=VAULT, event_id="again")]
    results = [scene.post(*batch)] if one_batch else [scene.post(message) for message in batch]
    assert [said for result in results for said in outcomes(result)][2:] == ["RECORDED", "ACCOUNT_CLOSED"]
    assert outcomes(scene.post(captured("o-2", to=OTHER), closed(OTHER, to=VAULT))) == ["POSTED", "ACCOUNT_MISSING"]
    assert [decided.outcome for _, decided in scene.post(opened(VAULT)).healed] == ["POSTED"]


@pytest.mark.parametrize(("before", "left"), [(captured("o-1", 70), -70), (paid_out("p-1", 70), 70)])
def test_a_closing_voucher_moves_the_rest_in_the_same_transaction(scene: Scene, before: object, left: int) -> None:
    scene.post(before)  # type: ignore[arg-type]  # a message
    scene.post(captured("o-8", 1, to=OTHER))
    assert outcomes(scene.post(closed(SELLER, to=OTHER), captured("o-9"))) == ["POSTED", "ACCOUNT_CLOSED"]
    assert (scene.balance_minor(SELLER), scene.balance_minor(OTHER), status(scene)) == (0, left - 1, "C")
    assert told(scene)[-1] == ("account.closed", f"closed-{SELLER}")
    kinds = scene.rows("SELECT convert_from(state, 'UTF8')::jsonb ->> 'kind' FROM ledger.event WHERE voucher_no > 0")
    assert kinds[-1] == ("closing",)


def test_an_account_kept_per_order_key_closes_only_once_each_key_is_at_zero(scene: Scene) -> None:
    batch = [left_over("o-1", 5), left_over("o-2", -5), closed(SUSPENSE)]
    assert outcomes(scene.post(*batch)) == ["POSTED", "POSTED", "ACCOUNT_KEYS_NOT_ZERO"]
    assert scene.balance_minor(SUSPENSE) == 0
    with pytest.raises(AccountRefusedError, match="not at zero for order key o-1") as refused:
        scene.accounts().close(SUSPENSE, reason="by hand")
    assert refused.value.code is Code.ACCOUNT_KEYS_NOT_ZERO
    batch = [voided("o-1"), closed(SUSPENSE, event_id="early"), voided("o-2"), closed(SUSPENSE, event_id="late")]
    assert outcomes(scene.post(*batch)) == ["POSTED", "ACCOUNT_NOT_ZERO", "POSTED", "RECORDED"]
    assert status(scene, SUSPENSE) == "C"


def test_a_group_that_is_refused_leaves_no_order_key_uneven(scene: Scene) -> None:
    """Its first member would have posted, had the second not been refused."""
    scene.post(captured("o-1", 1), captured("o-2", 1, to=OTHER), frozen(OTHER))
    vouchers = [{"kind": "transfer", "lines": [
        {"account": account, "side": side, "amount_minor": "5", "currency": "EUR"}
        for account, side in ((SUSPENSE, "debit"), (to, "credit"))
    ]} for to in (SELLER, OTHER)]  # fmt: skip
    group = event("voucher.group_requested.v1", "g", "g", {"vouchers": vouchers})
    scene.post(left_over("o-3", 1), voided("o-3"))
    assert outcomes(scene.post(group, closed(SUSPENSE))) == ["ACCOUNT_FROZEN", "RECORDED"]


def test_what_holds_keep_back_must_be_given_back_before_an_account_closes(scene: Scene) -> None:
    scene.post(captured("o-1", 50), placed("h-1", 10, of=SELLER))
    assert outcomes(scene.post(closed(SELLER, to=OTHER))) == ["ACCOUNT_MISSING"]
    scene.post(released("h-1"))
    assert scene.post(opened(OTHER)).healed[0][1].outcome == "POSTED"
    scene.post(captured("o-2", 50, to="wallet:seller:3"), placed("h-2", 10, of="wallet:seller:3"))
    assert outcomes(scene.post(closed("wallet:seller:3", to=OTHER))) == ["ACCOUNT_HELD"]


def test_a_frozen_account_closes_with_a_voucher_only_once_it_is_unfrozen(scene: Scene) -> None:
    scene.post(captured("o-1", 50), captured("o-2", 1, to=OTHER), frozen(SELLER))
    assert outcomes(scene.post(closed(SELLER, to=OTHER))) == ["ACCOUNT_FROZEN"]
    scene.post(unfrozen(SELLER))
    assert status(scene) == "C"


def test_events_name_their_account_in_their_subject(scene: Scene) -> None:
    data = {"account": VAULT, "type": "asset", "currency": "EUR"}
    assert outcomes(scene.post(event("account.opened.v1", "vault:2", "e", data))) == ["DATA_INVALID"]
    assert scene.one("SELECT count(*) FROM ledger.account WHERE code LIKE 'vault:%%' OR code = %s", VAULT) == 0


def test_accounts_open_only_in_groups_that_the_chart_has(scene: Scene) -> None:
    assert outcomes(scene.post(opened(VAULT, parent="vaults"))) == ["DATA_INVALID"]
    scene.apply_chart({**scene.chart(), "groups": [{"code": "vaults"}]})
    assert outcomes(scene.post(opened(VAULT, parent="vaults", event_id="later"))) == ["RECORDED"]


def test_what_a_source_may_not_say_of_accounts_opens_none(scene: Scene) -> None:
    scene.apply_chart({**scene.chart(), "sources": [{"source": "*", "types": ["payment.*"]}]})
    assert outcomes(scene.post(opened(VAULT), frozen(SELLER))) == ["SOURCE_NOT_ALLOWED"] * 2
    with connect(scene.dsn, Role.POSTER) as connection:
        assert connection.execute("SELECT count(*) FROM ledger.account WHERE code = %s", (VAULT,)).fetchone() == (0,)
    assert BOOK == "shop"
