"""What an account is kept within, as readers see it: on the account's own side, with its policy by name."""

import pytest
from psycopg_pool import ConnectionPool

from ledger_core.domain.limits import ALLOW, DENY, WARN, Limits
from projections.queries import accounts
from projections.queries.accounts import AccountLimits
from projections.queries.amounts import Amount, Balance, Side
from tests.support.postings import Scene
from tests.support.shop import shop_at

pytestmark = pytest.mark.postgres


def euros(minor: int, side: Side) -> Balance:
    return Balance(Amount(minor, "EUR", 2), side)


@pytest.fixture
def scene(scene: Scene) -> Scene:
    scene.accounts().open_account("vault:owed", account_type="liability", currency="EUR")
    scene.accounts().open_account("vault:owned", account_type="asset", currency="EUR")
    return scene


@pytest.mark.parametrize(
    ("code", "limits", "seen"),
    [
        (
            "vault:owed", Limits(-500, 900, DENY),
            AccountLimits(euros(500, Side.DEBIT), euros(900, Side.CREDIT), "deny"),
        ),
        ("vault:owned", Limits(-500, None, WARN), AccountLimits(euros(500, Side.CREDIT), None, "warn")),
        ("vault:owned", Limits(None, 900, ALLOW), AccountLimits(None, euros(900, Side.DEBIT), "allow")),
        ("vault:owed", Limits(0, None, DENY), AccountLimits(euros(0, Side.NONE), None, "deny")),
    ],
    ids=["both of a liability", "an overdraft of an asset", "for information", "a minimum of zero is a limit"],
)  # fmt: skip
def test_limits_stand_on_the_side_of_the_account(
    scene: Scene, pool: ConnectionPool, code: str, limits: Limits, seen: AccountLimits
) -> None:
    scene.accounts().set_limits(code, limits, reason="a test")
    with shop_at(pool) as at:
        assert accounts.account(at, code).limits == seen
        assert {one.code: one.limits for one in accounts.accounts(at)}[code] == seen


def test_an_account_without_limits_says_so(scene: Scene, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        assert accounts.account(at, "vault:owed").limits == AccountLimits(None, None, "allow")
