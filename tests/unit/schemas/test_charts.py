"""The charts that come along: each can be chosen by its name, and a book may go from one to another."""

from dataclasses import fields
from importlib.resources import files
from pathlib import Path

import pytest

from ledger_core.domain.chart_changes import changes
from ledger_core.domain.charts import Chart, chart_from_document
from ledger_core.domain.exchange_policy import ExchangePolicy
from ledger_core.domain.marketplaces import Marketplace
from ledger_core.domain.payment_policy import PaymentPolicy
from ledger_core.domain.transfer_policy import TransferPolicy
from schemas.charts import CHARTS, MARKETPLACE, load_chart, read_chart

FACILITATOR = chart_from_document(load_chart("payment-facilitator"))
OF_THE_COMPANY = {"approvals_from", "sweeps"}
"""Amounts from which to ask, and accounts to sweep, are each company's own."""


def test_every_file_is_a_chart_by_its_name_and_says_it() -> None:
    found = {Path(file.name).stem for file in files("schemas.charts").iterdir() if file.name.endswith(".json")}
    assert found == CHARTS.keys()
    assert [load_chart(name)["name"] for name in CHARTS] == list(CHARTS)
    assert [type(chart_from_document(read_chart(name))) for name in CHARTS] == [Chart] * len(CHARTS)


@pytest.mark.parametrize(
    "policy", [FACILITATOR.payments, FACILITATOR.transfers, FACILITATOR.exchange, FACILITATOR.marketplace]
)
def test_who_drives_the_processor_asks_for_all_that_can_be_asked(
    policy: PaymentPolicy | TransferPolicy | ExchangePolicy | Marketplace,
) -> None:
    unsaid = type(policy)()
    asks = {field.name for field in fields(policy) if getattr(policy, field.name) != getattr(unsaid, field.name)}
    may_be_left_out = OF_THE_COMPANY | {"commission_bps", "custody"}
    assert {field.name for field in fields(policy)} - may_be_left_out <= asks


def test_a_book_may_go_from_one_to_another_whose_accounts_are_the_same() -> None:
    changed = changes(chart_from_document(load_chart()), FACILITATOR)
    assert {change.section for change in changed} == {"book"}


def test_a_chart_is_chosen_by_its_name_before_a_file_that_is_called_like_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(MARKETPLACE).write_text('{"name": "mine"}')
    assert read_chart(MARKETPLACE) == load_chart()
    assert read_chart(f"./{MARKETPLACE}") == {"name": "mine"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "no file"), (b"no json", "is no JSON:"), (b"[]", "is no JSON object"), (b"\xff", "is no JSON")],
)
def test_what_is_neither_a_name_nor_a_chart_is_said(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "chart.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        read_chart(str(file))


def test_a_folder_is_no_chart(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="can't be read"):
        read_chart(str(tmp_path))
