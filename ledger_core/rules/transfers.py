"""Transfers: money on its way from whoever sends it to whoever gets it, and sweeps by a rule of the chart.

| | inflow received | settled | inflow compensated | transaction compensated | swept |
|---|---|---|---|---|---|
| where it came from: clearing of the processor, or an account | debit | | credit | | |
| transfers in transit, per transfer | credit | debit | debit | credit | |
| where it goes to | | credit | | debit | |
| the account that is swept | | | | | the side that lowers it |
| the account that it is swept to | | | | | the other side |

A compensation is the exact mirror of the voucher that it takes back, and is linked to it; only the log tells that one.
What is swept is what the account has beyond what its rule keeps, less what holds keep back: known under lock alone.
"""

from functools import cache
from typing import Final

from ledger_core.domain.charts import Chart, Role
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.stories import said
from ledger_core.domain.sweep_life import KEEP
from ledger_core.domain.transfers import (
    SWEEP_WAITED_FOR,
    InflowReceived,
    StepFact,
    SweepRequested,
    TransferSettled,
)
from ledger_core.domain.vouchers import Draft, Purpose
from ledger_core.rules.accounts import same_account_on_both_sides
from ledger_core.rules.lines import Named, control, lines_of

TRANSFER: Final = "transfer"
_CLEARING: Final = control(Role.PROCESSOR_CLEARING)
_IN_TRANSIT: Final = control(Role.TRANSFERS_IN_TRANSIT)
_TOLD: Final = ("reason", "approved_by", "opened_by", "cleared_by", "to", "customer")
"""Members of facts that the log keeps as they were told, beside those of `said`."""


def told(fact: StepFact, _chart: Chart) -> Draft:
    """A record. What takes back what was posted is a mirror, which only the locked rows tell."""
    return Draft(TRANSFER, "", [], _kept(fact), recorded=True)


def received(fact: InflowReceived, chart: Chart) -> Draft | Refusal:
    """In transit from now on."""
    return _between(fact, fact.origin or _CLEARING, _IN_TRANSIT, chart)


def settled(fact: TransferSettled, chart: Chart) -> Draft | Refusal:
    """Where it was to go."""
    if chart.transfers.verification and not fact.customer:
        return Refusal(Code.DATA_INVALID, "customer: missing; the book settles for verified customers only")
    return _between(fact, _IN_TRANSIT, fact.to, chart)


def _between(fact: InflowReceived | TransferSettled, debit: str, credit: str, chart: Chart) -> Draft | Refusal:
    amount_minor, purpose = fact.amount_minor, Purpose.TRANSFER
    lines = lines_of([(debit, "D", amount_minor, purpose), (credit, "C", amount_minor, purpose)], fact.currency, chart)
    if isinstance(lines, Refusal):
        return lines
    return same_account_on_both_sides(lines) or Draft(TRANSFER, "", lines, _kept(fact))


def swept(fact: SweepRequested, chart: Chart) -> Draft | Refusal:
    """Which two accounts it is between, and what the first keeps."""
    rule = chart.transfers.sweeps.get(fact.rule)
    if rule is None:
        detail = f"the chart of the book declares no sweep {fact.rule}"
        return Refusal(Code.SWEEP_RULE_MISSING, detail, f"{SWEEP_WAITED_FOR}{fact.rule}")
    if rule.currency != fact.currency:
        return Refusal(Code.CURRENCY_MISMATCH, f"sweep {fact.rule} is one of {rule.currency}")
    named: list[Named] = [(rule.origin, "D", 1, Purpose.TRANSFER), (rule.to, "C", 1, Purpose.TRANSFER)]
    lines = lines_of(named, fact.currency, chart)
    if isinstance(lines, Refusal):
        return lines
    kept = {"sweep_id": fact.sweep_id, "sweep": fact.rule, KEEP: str(rule.keep_minor)}
    return same_account_on_both_sides(lines) or Draft(TRANSFER, "", lines, kept, recorded=True)


def _kept(fact: StepFact) -> dict[str, object]:
    kind: type = type(fact)
    kept: dict[str, object] = {**said(fact)}
    for name in _told_by(kind):
        if value := getattr(fact, name):
            kept[name] = value
    return kept


@cache
def _told_by(fact: type) -> tuple[str, ...]:
    """Those of `_TOLD` that a kind of fact has: asked once a kind, not of every fact."""
    return tuple(name for name in _TOLD if hasattr(fact, name))
