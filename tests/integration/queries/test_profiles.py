"""Settlement profiles: what stands is what was told last, with the ends of an IBAN and no more."""

from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from deploy.demo.messages import Message
from projections.queries.errors import NotFoundError
from projections.queries.profiles import SettlementProfile, profile, profiles
from tests.support.posted_ledger import PostedLedger, step
from tests.support.shop import shop_at

pytestmark = pytest.mark.postgres

ANNA, BEN = "wallet:seller:anna", "wallet:seller:ben"
VERIFIED: dict[str, Any] = {"rails": ["sepa"], "bank_account_ref": {"iban": "GE29NB0000000101904917"}}


def told(beneficiary: str, status: str, **how: Any) -> Message:
    return step("settlement_profile.updated", beneficiary, beneficiary=beneficiary, status=status, **how)


def test_what_was_told_last_stands(shop: PostedLedger, pool: ConnectionPool) -> None:
    shop.post([told(ANNA, "VERIFIED", **VERIFIED), told(BEN, "PENDING")])
    anna = SettlementProfile(ANNA, "VERIFIED", True, ["sepa"], {"iban": "GE29**************4917"}, 1)
    ben = SettlementProfile(BEN, "PENDING", False, [], {}, 1)
    with shop_at(pool) as at:
        assert [one for one in profiles(at) if one.beneficiary in (ANNA, BEN)] == [anna, ben]
        assert anna in profiles(at, status="VERIFIED")
        assert profiles(at, after=ANNA, limit=1) == [ben]
        assert profile(at, ANNA) == anna
        with pytest.raises(NotFoundError):
            profile(at, "wallet:seller:nobody")
