"""Charts of accounts: what they resolve, and what they may not say."""

import pytest

from ledger_core.domain.charts import ChartError, Template, chart_from_document
from schemas.charts import load_chart

CONTROL = {"role": "CASH", "code": "cash:{currency}", "type": "asset"}


def test_marketplace_chart_has_its_roles_and_templates() -> None:
    chart = chart_from_document(load_chart(), version=3)
    assert chart.version == 3
    assert chart.control("ORDER_SUSPENSE", "BRL") == "suspense:orders:BRL"
    assert chart.control("NO_SUCH_ROLE", "BRL") is None
    assert chart.template_for("wallet:seller:42", "BRL") == Template("wallet:seller:*", "liability")
    suspense = chart.template_for("suspense:orders:EUR", "EUR")
    assert suspense is not None
    assert (suspense.keyed, suspense.role) == (True, "ORDER_SUSPENSE")


@pytest.mark.parametrize("code", ["wallet:seller:", "wallet:other:1", "suspense:orders:EUR", "xwallet:seller:1"])
def test_other_accounts_do_not_open_on_the_fly(code: str) -> None:
    assert chart_from_document(load_chart()).template_for(code, "BRL") is None


def test_event_names_an_account_by_code_or_by_role() -> None:
    chart = chart_from_document({"controls": [CONTROL]})
    assert chart.resolve("wallet:seller:1", "EUR") == "wallet:seller:1"
    assert chart.resolve("control:CASH", "EUR") == "cash:EUR"
    assert chart.resolve("control:GOLD", "EUR") is None


def test_empty_chart_is_a_chart() -> None:
    assert chart_from_document({}).template_for("a", "EUR") is None


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"accounts": []}, "the chart: unknown member 'accounts'"),
        ({"controls": {}}, "controls is not a list"),
        ({"controls": ["CASH"]}, r"controls\[0\] is not an object"),
        ({"controls": [{**CONTROL, "colour": 1}]}, r"controls\[0\]: unknown member 'colour'"),
        ({"controls": [{**CONTROL, "role": "cash"}]}, r"controls\[0\]: role is not"),
        ({"controls": [{**CONTROL, "role": None}]}, r"controls\[0\]: role is missing"),
        ({"controls": [{**CONTROL, "code": "cash {currency}"}]}, r"controls\[0\]: not the code"),
        ({"controls": [{**CONTROL, "code": "cash:{waehrung}"}]}, r"controls\[0\]: not the code"),
        ({"controls": [{**CONTROL, "code": "control:cash"}]}, r"controls\[0\]: codes that begin with control:"),
        ({"controls": [{**CONTROL, "type": "money"}]}, r"controls\[0\]: type is none of asset"),
        ({"controls": [{**CONTROL, "keyed": "yes"}]}, r"controls\[0\]: keyed is neither"),
        ({"controls": [CONTROL, {**CONTROL, "code": "c"}]}, r"controls\[1\]: role CASH is given twice"),
        ({"controls": [CONTROL, {**CONTROL, "role": "GOLD"}]}, r"cash:\{currency\} is given twice"),
        ({"templates": [{"pattern": "a*b", "type": "asset"}]}, r"templates\[0\]: \* may only stand at the end"),
        ({"templates": [{"pattern": "*", "type": "asset"}]}, r"templates\[0\]: not the code"),
        ({"templates": [{"pattern": "a:*", "type": "asset", "role": "CASH"}]}, r"templates\[0\]: unknown member"),
    ],
)
def test_impossible_chart_is_refused_with_its_place(document: dict[str, object], reason: str) -> None:
    with pytest.raises(ChartError, match=f"^{reason}"):
        chart_from_document(document)
