"""The cash desk: what is counted in a drawer, and what the books say should be in it.

| | received | refunded | counted, at opening or closing |
|---|---|---|---|
| the drawer | debit | credit | debit what is over or was brought, credit what is short or was taken |
| the account that the event names | credit | debit | credit what was brought, debit what was taken |
| cash over and short | | | credit what is over, debit what is short |

What is over or short is known under lock alone: `drawer_life` makes the lines of a count. Here it says which accounts
they may touch.
"""

from typing import Final

from ledger_core.domain.cash import CashMoved, CashReceived, CashRefunded, DrawerClosed, DrawerOpened
from ledger_core.domain.cash_policy import signed_by_two
from ledger_core.domain.charts import Chart, Role
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.vouchers import Draft, Line, Purpose
from ledger_core.rules.accounts import control_missing, same_account_on_both_sides
from ledger_core.rules.lines import control, lines_of

_OVER_SHORT: Final = control(Role.CASH_OVER_SHORT)
COUNT: Final = "cash_count"


def received(fact: CashReceived, chart: Chart) -> Draft | Refusal:
    """Into the drawer."""
    if refusal := _refuse_unsigned(fact.against, fact.currency, chart):
        return refusal
    said = {"receipt_id": fact.receipt_id, **_if_said(received_by=fact.received_by)}
    return _between(fact, fact.account, fact.against, chart, Draft("cash_receipt", "", [], said))


def refunded(fact: CashRefunded, chart: Chart) -> Draft | Refusal:
    """Out of the drawer, signed by two."""
    signed = [name.strip() for name in fact.signed_off_by]
    if not signed_by_two(signed):
        return Refusal(Code.SIGN_OFFS_NOT_DISTINCT, "two distinct persons sign for cash that is given back")
    said = {"refund_id": fact.refund_id, "signed_off_by": signed, **_if_said(reason=fact.reason)}
    return _between(fact, fact.against, fact.account, chart, Draft("cash_refund", "", [], said))


def _between(fact: CashReceived | CashRefunded, debit: str, credit: str, chart: Chart, draft: Draft) -> Draft | Refusal:
    amount_minor = fact.amount_minor
    lines = lines_of(
        [(debit, "D", amount_minor, Purpose.CASH), (credit, "C", amount_minor, Purpose.CASH)], fact.currency, chart
    )
    if isinstance(lines, Refusal):
        return lines
    draft.lines = lines
    return same_account_on_both_sides(lines) or draft


def opened(fact: DrawerOpened, chart: Chart) -> Draft | Refusal:
    """Which accounts the count may touch."""
    if fact.brought is not None and (refusal := _refuse_unsigned(fact.brought.account, fact.currency, chart)):
        return refusal
    return _count(fact.account, fact.brought, fact.currency, chart, {"opened_by": fact.opened_by})


def _refuse_unsigned(giver: str, currency: str, chart: Chart) -> Refusal | None:
    """What comes out of another drawer is cash that leaves that one: its own event says who signed."""
    code = chart.resolve(giver, currency)
    if code is None or not chart.cash.is_drawer(code):
        return None
    return Refusal(
        Code.SIGN_OFFS_NOT_DISTINCT,
        f"two distinct persons sign for cash that leaves {code}: send cash.refunded of that drawer, against this one",
    )


def closed(fact: DrawerClosed, chart: Chart) -> Draft | Refusal:
    """The same; not more can be taken than was counted."""
    if fact.taken is not None and fact.taken.amount_minor > fact.counted_minor:
        return Refusal(Code.DATA_INVALID, "taken: more than was counted")
    return _count(fact.account, fact.taken, fact.currency, chart, {"closed_by": fact.closed_by})


def _count(
    drawer: str, moved: CashMoved | None, currency: str, chart: Chart, said: dict[str, object]
) -> Draft | Refusal:
    """The drawer first, then over and short, then the account that cash was moved from or to."""
    lines: list[Line] = []
    for name in (drawer, _OVER_SHORT, *((moved.account,) if moved else ())):
        account = chart.resolve(name, currency)
        if account is None:
            return control_missing(name, currency)
        lines.append(Line(account, "D", 0, currency, Purpose.CASH.value))
    if len({line.account for line in lines}) < len(lines):
        return Refusal(Code.SAME_ACCOUNT_BOTH_SIDES, "the voucher would debit and credit one account")
    return Draft(COUNT, "", lines, said, recorded=True)


def _if_said(**words: str) -> dict[str, object]:
    return {name: word for name, word in words.items() if word}
