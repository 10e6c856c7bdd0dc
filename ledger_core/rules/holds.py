"""Holds: placing keeps money back, capturing posts it, releasing gives it back.

| | hold placed | hold captured |
|---|---|---|
| the hold's account | kept back on its side, no entry | its side: the sum of the parts |
| each taker | | the other side: its part |
"""

from collections.abc import Mapping

from ledger_core.domain.charts import Chart
from ledger_core.domain.holds import HOLD_PLACED, HoldCaptured, HoldPlaced, HoldReleased, HoldStatus, rfc3339
from ledger_core.domain.money import MAX_AMOUNT_MINOR
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.vouchers import Draft, Line, Purpose, Side
from ledger_core.rules.accounts import control_missing, same_account_on_both_sides

OTHER: Mapping[Side, Side] = {"D": "C", "C": "D"}


def placed(fact: HoldPlaced, chart: Chart) -> Draft | Refusal:
    """One line, which is kept back and not posted."""
    account = chart.resolve(fact.account, fact.currency)
    if account is None:
        return control_missing(fact.account, fact.currency)
    side = fact.side or "D"
    terms: dict[str, object] = {"status": HoldStatus.PLACED.value, "account": account, "side": side}
    if fact.tolerance_bps:
        terms["tolerance_bps"] = fact.tolerance_bps
    if fact.expires_at_us is not None:
        terms["expires_at"] = rfc3339(fact.expires_at_us)
    lines = [Line(account, side, fact.amount_minor, fact.currency, Purpose.PAYMENT)]
    return Draft("hold", "", lines, {"hold": terms, **_said(memo=fact.memo)}, recorded=True)


def with_side(details: Mapping[str, object] | None, side: Side) -> dict[str, object]:
    """The same details of a placing, on the side that the type of its account tells."""
    said = dict(details or {})
    terms = said["hold"]
    assert isinstance(terms, dict)
    return {**said, "hold": {**terms, "side": side}}


def captured(fact: HoldCaptured, chart: Chart) -> Draft | Refusal:
    """From the hold's account to its takers, in the hold's currency."""
    amount_minor = fact.amount_minor
    if fact.stated_minor not in (None, amount_minor):
        return Refusal(Code.VOUCHER_UNBALANCED, "amount_minor is not the sum of the parts")
    if amount_minor > MAX_AMOUNT_MINOR:
        return Refusal(Code.SUM_TOO_LARGE, "the parts add up to more than a line can hold")
    if fact.terms is None:
        return Refusal(Code.HOLD_UNKNOWN, "no hold of this id was placed", HOLD_PLACED)
    held_of, side, currency = fact.terms
    lines = [Line(held_of, side, amount_minor, currency, fact.to[0].purpose)]
    for taker in fact.to:
        account = chart.resolve(taker.account, currency)
        if account is None:
            return control_missing(taker.account, currency)
        lines.append(Line(account, OTHER[side], taker.amount_minor, currency, taker.purpose))
    refusal = same_account_on_both_sides(lines)
    if refusal is not None:
        return refusal
    return Draft("capture", "", lines, _said(memo=fact.memo, metadata=fact.metadata))


def released(fact: HoldReleased, _chart: Chart) -> Draft:
    """Nothing is posted, and how much is given back only the locked hold tells."""
    return Draft("release", "", [], _said(reason=fact.reason), recorded=True)


def _said(**members: object) -> dict[str, object]:
    """Members that say something."""
    return {name: value for name, value in members.items() if value}
