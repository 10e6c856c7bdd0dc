"""`ledgerctl asset`: what is added is listed, and posts at once."""

from pathlib import Path

import pytest

from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.event_lines import event, write

pytestmark = pytest.mark.postgres

ADD = ("asset", "add", "ETH", "--scale", "9", "--name", "Ether", "--reason", "test", "--json")


def test_an_added_asset_is_listed_and_counted_in(machine: TestDatabase, tmp_path: Path) -> None:
    assert ledgerctl(*ADD).json["asset"] == {"asset_id": 1003, "code": "ETH", "scale": 9, "name": "Ether"}
    codes = [asset["code"] for asset in ledgerctl("asset", "list", "--added", "--json").json["assets"]]
    assert codes == ["BTC", "ETH", "POINTS", "USDC"]
    assert "Brazilian Real" in ledgerctl("asset", "list").out

    assert ledgerctl("book", "create", "shop").code == 0
    data: dict[str, object] = {
        "payment_id": "o1", "amount_minor": "1500000000", "currency": "ETH", "method": "chain",
        "beneficiaries": [{"account": "wallet:seller:1", "amount_minor": "1500000000"}],
    }  # fmt: skip
    file = write(tmp_path / "events.ndjson", [event("c1", "payment.captured.v1", "o1", data)])
    assert ledgerctl("ingest", file, "--json").lines[0]["outcome"] == "POSTED"
    shown = ledgerctl("account", "show", "wallet:seller:1", "--book", "shop")
    assert "1.500000000 credit" in shown.out


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("EUR", "--scale", "2", "--name", "Euro", "--reason", "test"), "CURRENCY_EXISTS", 1),
        (("eth", "--scale", "2", "--name", "Ether", "--reason", "test"), "ASSET_INVALID", 1),
        (("ETH", "--scale", "10", "--name", "Ether", "--reason", "test"), "ASSET_INVALID", 1),
        (("ETH", "--scale", "2", "--name", "Ether", "--reason", " "), "REASON_MISSING", 1),
    ],
)
def test_what_can_not_be_added_is_refused_by_name(
    machine: TestDatabase, arguments: tuple[str, ...], code: str, exit_code: int
) -> None:
    ended = ledgerctl("asset", "add", *arguments, "--json")
    assert (ended.error["code"], ended.code) == (code, exit_code)
