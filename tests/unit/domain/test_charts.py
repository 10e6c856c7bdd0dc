"""Charts of accounts: what they resolve, and what they may not say."""

import pytest

from ledger_core.domain.charts import ChartError, Template, chart_from_document
from ledger_core.domain.limits import Limits
from ledger_core.domain.payment_policy import PaymentPolicy
from ledger_core.domain.transfer_policy import SweepRule, TransferPolicy
from schemas.charts import load_chart

CONTROL = {"role": "CASH", "code": "cash:{currency}", "type": "asset"}
SWEEP: dict[str, object] = {"name": "s", "from": "a", "to": "b", "currency": "EUR"}


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
        ({"colours": []}, "the chart: unknown member 'colours'"),
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
        ({"payments": []}, "payments is not an object"),
        ({"payments": {"refunds": "all"}}, "payments: unknown member 'refunds'"),
        ({"payments": {"captures": "twice"}}, "payments: captures is neither any nor once"),
        ({"payments": {"capture_proof": True}}, "payments: capture_proof is neither optional nor required"),
        ({"payments": {"refund_cover": "all"}}, "payments: refund_cover is neither none nor available"),
        ({"payments": {"capture_tolerance_bps": 10_001}}, "payments: capture_tolerance_bps is not a whole number"),
        ({"payments": {"void_window_minutes": "60"}}, "payments: void_window_minutes is not a number of minutes"),
        ({"transfers": []}, "transfers is not an object"),
        ({"transfers": {"checks": "all"}}, "transfers: unknown member 'checks'"),
        ({"transfers": {"monitoring": True}}, "transfers: monitoring is neither optional nor required"),
        ({"transfers": {"approvals": 10}}, "transfers: approvals is no whole number from 0 to 9"),
        ({"transfers": {"approvals": True}}, "transfers: approvals is no whole number from 0 to 9"),
        ({"transfers": {"approvals_from": ["EUR"]}}, "transfers.approvals_from is not an object"),
        ({"transfers": {"approvals_from": {"euro": "1"}}}, "transfers.approvals_from: currency is not the code"),
        ({"transfers": {"approvals_from": {"EUR": 1}}}, "transfers.approvals_from: EUR is missing or no text"),
        ({"cash": []}, "cash is not an object"),
        ({"cash": {"drawers": "till:*"}}, "cash.drawers is not a list"),
        ({"cash": {"drawers": [1]}}, r"cash.drawers\[0\] is no text"),
        ({"cash": {"drawers": ["*"]}}, r"cash.drawers\[0\]: not the code of an account"),
        ({"cash": {"tills": []}}, "cash: unknown member 'tills'"),
        ({"transfers": {"sweeps": [{"name": "s"}]}}, r"transfers\.sweeps\[0\]: from is missing or no text"),
        ({"transfers": {"sweeps": [SWEEP, SWEEP]}}, r"transfers\.sweeps\[1\]: sweep s is given twice"),
        (
            {"transfers": {"sweeps": [{**SWEEP, "to": "a"}]}},
            r"transfers\.sweeps\[0\]: it sweeps an account into itself",
        ),
        (
            {"transfers": {"sweeps": [{**SWEEP, "to": "control:b"}]}},
            r"transfers\.sweeps\[0\]: role is not an upper-case name",
        ),
        (
            {"transfers": {"sweeps": [{**SWEEP, "keep_minor": 5}]}},
            r"transfers\.sweeps\[0\]: keep_minor is missing or no text",
        ),
        ({"payments": {"attempts_apart_minutes": -1}}, "payments: attempts_apart_minutes is not a number"),
        ({"templates": [{"pattern": "a*b", "type": "asset"}]}, r"templates\[0\]: \* may only stand at the end"),
        ({"templates": [{"pattern": "*", "type": "asset"}]}, r"templates\[0\]: not the code"),
        ({"templates": [{"pattern": "a:*", "type": "asset", "role": "CASH"}]}, r"templates\[0\]: unknown member"),
    ],
)
def test_impossible_chart_is_refused_with_its_place(document: dict[str, object], reason: str) -> None:
    with pytest.raises(ChartError, match=f"^{reason}"):
        chart_from_document(document)


@pytest.mark.parametrize(
    ("payments", "policy"),
    [
        ({}, PaymentPolicy()),
        ({"captures": "any", "capture_proof": "optional", "refund_cover": "none"}, PaymentPolicy()),
        ({"captures": "once"}, PaymentPolicy(captures_once=True, attempts_apart_minutes=10)),
        ({"captures": "once", "attempts_apart_minutes": 0}, PaymentPolicy(captures_once=True)),
        ({"void_window_minutes": 0}, PaymentPolicy(void_window_minutes=0)),
        ({"capture_tolerance_bps": 0}, PaymentPolicy(capture_tolerance_bps=0)),
        ({"capture_proof": "required", "refund_cover": "available"},
         PaymentPolicy(proof_required=True, refunds_covered=True)),
    ],
)  # fmt: skip
def test_a_chart_says_what_its_book_asks_of_payments(payments: dict[str, object], policy: PaymentPolicy) -> None:
    chart = chart_from_document({"payments": payments})
    assert chart.payments == policy
    assert chart.payments.asks == (policy != PaymentPolicy())


GROUPS = [{"code": "liabilities"}, {"code": "wallets", "name": "Wallets", "parent": "liabilities"}]
VIP = {
    "code": "wallet:vip", "type": "liability", "currency": "EUR", "name": "Best customer", "parent": "wallets",
    "role": "VIP", "limits": {"overdraft_minor": "500", "policy": "deny"},
}  # fmt: skip


def test_a_declared_account_comes_before_the_pattern_that_it_matches() -> None:
    template = {"pattern": "wallet:*", "type": "liability", "parent": "liabilities"}
    control = {"role": "VIP", "code": "vip:{currency}", "type": "liability"}
    document = {"groups": GROUPS, "accounts": [VIP], "templates": [template], "controls": [control]}
    chart = chart_from_document(document)
    vip, other = chart.template_for("wallet:vip", "EUR"), chart.template_for("wallet:1", "EUR")
    assert vip is not None
    assert (vip.parent, vip.limits) == ("wallets", Limits(-500, None, "D"))
    assert other is not None
    assert (other.parent, other.limits) == ("liabilities", None)
    assert chart.template_for("wallet:vip", "USD") is None
    assert (chart.control("VIP", "EUR"), chart.control("VIP", "USD")) == ("wallet:vip", "vip:USD")


def limited(**limits: object) -> dict[str, object]:
    return {"templates": [{"pattern": "w:*", "type": "asset", "limits": limits}]}


def test_limits_of_a_template_are_a_minimum_a_maximum_and_a_policy() -> None:
    template = chart_from_document(limited(minimum_minor="0", maximum_minor="9", policy="warn")).templates[0]
    assert template.limits == Limits(0, 9, "W")
    assert chart_from_document(limited()).templates[0].limits == Limits()


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"groups": [{"code": "a b"}]}, r"groups\[0\]: not the code"),
        ({"groups": [{"code": "a"}, {"code": "a"}]}, r"groups\[1\]: group a is given twice"),
        ({"groups": [{"code": "a", "parent": "b"}]}, "group a: there is no group 'b'"),
        ({"groups": [{"code": "a", "parent": "a"}]}, "group a is above itself"),
        ({"groups": [{"code": "a", "parent": "b"}, {"code": "b", "parent": "a"}]}, "group a is above itself"),
        ({"groups": [{"code": "a", "name": "x\n"}]}, r"groups\[0\]: name is longer"),
        ({"controls": [{**CONTROL, "parent": "x"}]}, r"cash:\{currency\}: there is no group 'x'"),
        ({"groups": GROUPS, "accounts": [VIP, VIP]}, r"accounts\[1\]: account wallet:vip is given twice"),
        ({"groups": GROUPS, "accounts": [VIP, {**VIP, "code": "v"}]}, r"accounts\[1\]: role VIP in EUR is given twice"),
        ({"accounts": [{**VIP, "currency": "euro"}]}, r"accounts\[0\]: currency is not"),
        ({"accounts": [VIP]}, "wallet:vip: there is no group 'wallets'"),
        (limited(policy="forbid"), r"templates\[0\].limits: policy is none of allow, warn, deny"),
        (limited(minimum_minor="1", overdraft_minor="1"), r"templates\[0\].limits: a minimum and an overdraft"),
        (limited(minimum_minor=1), r"templates\[0\].limits: minimum_minor is missing or no text"),
        (limited(minimum_minor="-1"), r"templates\[0\].limits: minimum_minor is not a string of up to 18 digits"),
        (limited(minimum_minor="2", maximum_minor="1"), r"templates\[0\].limits: the minimum is above the maximum"),
        (limited(colour="red"), r"templates\[0\].limits: unknown member 'colour'"),
        ({"templates": [{"pattern": "w:*", "type": "asset", "limits": []}]}, r"templates\[0\].limits is not an object"),
    ],
)
def test_impossible_groups_accounts_and_limits_are_refused_with_their_place(
    document: dict[str, object], reason: str
) -> None:
    with pytest.raises(ChartError, match=f"^{reason}"):
        chart_from_document(document)


@pytest.mark.parametrize(
    ("transfers", "policy"),
    [
        ({}, TransferPolicy()),
        ({"monitoring": "optional", "verification": "optional", "approvals": 0, "sweeps": []}, TransferPolicy()),
        ({"monitoring": "required", "approvals": 2}, TransferPolicy(monitoring=True, approvals=2)),
        ({"verification": "required"}, TransferPolicy(verification=True)),
        ({"approvals": 2, "approvals_from": {"EUR": "500"}}, TransferPolicy(approvals=2, approvals_from={"EUR": 500})),
        ({"sweeps": [{**SWEEP, "keep_minor": "5"}]}, TransferPolicy(sweeps={"s": SweepRule("a", "b", "EUR", 5)})),
    ],
)
def test_a_chart_says_what_its_book_asks_of_transfers(transfers: dict[str, object], policy: TransferPolicy) -> None:
    assert chart_from_document({"transfers": transfers}).transfers == policy


@pytest.mark.parametrize(("currency", "amount_minor", "persons"), [("EUR", 499, 0), ("EUR", 500, 2), ("USD", 1, 2)])
def test_approvals_are_asked_from_an_amount_on(currency: str, amount_minor: int, persons: int) -> None:
    chart = chart_from_document({"transfers": {"approvals": 2, "approvals_from": {"EUR": "500"}}})
    assert chart.transfers.approvals_of(currency, amount_minor) == persons


@pytest.mark.parametrize(
    ("code", "is_drawer"), [("till:1", True), ("till:2", False), ("cash:drawer:7", True), ("cash:draw", False)]
)
def test_a_chart_says_which_accounts_are_drawers(code: str, is_drawer: bool) -> None:
    chart = chart_from_document({"cash": {"drawers": ["till:1", "cash:drawer:*"]}})
    assert chart.cash.is_drawer(code) is is_drawer
