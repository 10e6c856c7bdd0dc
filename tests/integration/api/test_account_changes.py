"""An account answers what became of it besides entries."""

import httpx
import pytest

from ledger_core.operations.account_lifecycle import AccountLifecycle
from ledger_core.store.connection import Role, connect
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import PostedLedger

pytestmark = pytest.mark.postgres


def test_an_account_and_its_explanation_say_who_froze_it(
    client: httpx.Client, shop: PostedLedger, database: TestDatabase
) -> None:
    accounts = AccountLifecycle(lambda: connect(database.dsn(), Role.POSTER), "shop")
    accounts.freeze("wallet:seller:a", reason="suspected fraud", requested_by="ana")
    answer = client.get("/v1/books/shop/accounts/wallet:seller:a").json()
    newest = answer["changes"][0]
    assert (answer["status"], newest["change"], newest["position"]) == ("frozen", "frozen", answer["position"])
    assert (newest["reason"], newest["persons"], newest["origin"]) == ("suspected fraud", {"requested_by": "ana"}, None)
    assert answer["changes"][-1]["change"] == "opened"
    explained = client.get("/v1/books/shop/accounts/wallet:seller:a/explain").json()
    assert explained["changes"] == answer["changes"]
