"""Four books kept in plain text: the plans of their imports hold the balances that hledger and beancount computed."""

import json
from collections import Counter
from decimal import Decimal
from string import ascii_uppercase

import pytest

from consumers.imports.journal_plan import Target
from consumers.imports.journals import plan_of
from consumers.imports.model import ImportFaultsError
from consumers.imports.names import Naming
from tests.support.plain_text_books import BOOKS, PlainTextBook, member, needs_data

pytestmark = needs_data

OURS = ("trading:", "equity:virtual:")
"""Accounts that the journals do not have: where commodities meet, and what virtual postings are balanced by."""


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_the_plan_holds_the_balances_that_its_program_computed(book: PlainTextBook) -> None:
    plan = plan_of(book.text().split("\n"), Target("shop", book.format, book.naming, {"USD": 2}, add_assets=True))
    assert plan.faults == []
    scales = {"USD": 2, **plan.new_assets}
    held: Counter[str] = Counter()
    for request in plan.requests:
        for line in json.loads(request.event)["data"]["lines"]:
            held[line["account"]] += int(line["amount_minor"]) * (1 if line["side"] == "debit" else -1)
    ours = {
        code: Decimal(minor).scaleb(-scales[plan.accounts[code].currency])
        for code, minor in held.items()
        if minor and not code.startswith(OURS)
    }
    assert ours == book.balances()
    empty = plan.read_over["transaction without an amount"]
    assert len(plan.requests) + empty == book.transactions
    for currency in scales:
        assert sum(minor for code, minor in held.items() if plan.accounts[code].currency == currency) == 0


def test_a_journal_of_prices_is_read_and_one_with_balance_assignments_is_refused_by_its_line() -> None:
    naming = Naming({letter: letter * 2 for letter in ascii_uppercase}, {"*": "asset"})
    target = Target("shop", "hledger", naming, {}, add_assets=True)
    plan = plan_of(member("hl_1ktxns-100accts.journal").split("\n"), target)
    assert (plan.faults[:1], plan.read_over["P"]) == ([], 1_000)
    with pytest.raises(ImportFaultsError, match="line 16: balance assignments are not supported"):
        plan_of(member("hl_multicurrency.journal").split("\n"), target)
