"""What is wrong with payments across currencies, and with rates that are published."""

from collections.abc import Mapping

from ledger_core.domain.outcomes import Code
from tests.support.exchanges import QUOTE, bought, capture_data, published, refund, step_data
from tests.support.faults.payments import amount, on_nothing, posted_before, step
from tests.support.faults.telling import ACCOUNTS, DEBITED, Fault, Telling, parked
from tests.support.postings import TIME, authorized, captured, voided

EXCHANGE_CHART: dict[str, object] = {"max_age_minutes": 60, "stale": "deny"}
VERY_LONG_AGO = "2019-01-01T00:00:00Z"
"""Before everything that is told here, what is late included."""


def across(number: int) -> Telling:
    """A capture whose sellers get dollars, but for those that the faults add in euros."""
    telling = Telling(number, "payment.captured.v1", {})
    quote = {**QUOTE, "base": "USD", "counter": "EUR", "rate": "0.5"}
    telling.data |= capture_data(
        telling.key, 200, 100, currencies=("USD", "EUR"), shares=[(telling.name("wallet:payee"), 100)], quote=quote
    )

    def credit(account: str, amount: int, _currency: str) -> None:
        telling.data["beneficiaries"].append({"account": account, "amount_minor": str(amount)})

    telling.credit = credit
    return telling


def _quoted(**changes: str) -> Fault:
    return lambda telling: telling.data["exchange"]["quote"].update(changes)


ACROSS: Mapping[Code, Fault] = {
    Code.QUOTE_STALE: _quoted(quoted_at=VERY_LONG_AGO),
    Code.QUOTE_MISMATCH: _quoted(rate="0.7"),
    Code.FX_QUOTE_INVALID: _quoted(counter="GBP"),
    Code.CURRENCY_MISMATCH: posted_before(lambda key: captured(key, 5, currency="USD", to=f"wallet:dollars:{key}")),
    Code.PAYMENT_FAILED: posted_before(step("payment.failed.v1")),
    Code.PAYMENT_VOIDED: posted_before(lambda key: authorized(key, currency="USD"), voided),
    **ACCOUNTS,
    Code.ORDER_KEY_PARKED: parked,
}


def refund_across(number: int) -> Telling:
    """A refund at once, whose sellers gave euros for dollars."""
    telling = Telling(number, "payment.refunded.v1", {})
    payee = telling.name("wallet:payee")
    telling.data |= step_data(telling.key, 100, [(payee, 50)], currencies=("USD", "EUR"), refund_id="1")
    quote = {**QUOTE, "base": "USD", "counter": "EUR", "rate": "0.5"}
    posted_before(lambda key: bought(key, 200, 100, currencies=("USD", "EUR"), shares=[(payee, 100)], quote=quote))(
        telling
    )

    def credit(account: str, amount: int, _currency: str) -> None:
        telling.data["beneficiaries"].append({"account": account, "amount_minor": str(amount)})

    telling.credit = credit
    return telling


def _into(currency: str) -> Fault:
    return lambda telling: telling.data["exchange"].__setitem__("currency", currency)


REFUND_ACROSS: Mapping[Code, Fault] = {
    Code.CURRENCY_MISMATCH: _into("GBP"),
    Code.DATA_INVALID: _into("USD"),
    Code.PREDECESSOR_ABSENT: on_nothing,
    Code.REFUND_STATE_INVALID: posted_before(lambda key: refund(key, 10, currencies=("USD", "EUR"), refund_id="1")),
    Code.REFUND_EXCEEDS_CAPTURED: amount(1_000),
    Code.PAYMENT_VOIDED: posted_before(lambda key: authorized(key, currency="USD"), voided),
    **DEBITED,
    Code.ORDER_KEY_PARKED: parked,
}


def rate(number: int) -> Telling:
    """What a provider of its own publishes of a pair."""
    telling = Telling(number, "fx.rate_published.v1", {}, given_key="EUR/BRL")
    telling.data |= {
        "base": "EUR", "counter": "BRL", "rate": "6.1", "source": "s", "published_at": TIME,
        "provider": telling.name("provider"),
    }  # fmt: skip
    return telling


def _told_before(telling: Telling) -> None:
    telling.first(published("6.2", provider=telling.name("provider")))


RATE: Mapping[Code, Fault] = {
    Code.FX_RATE_CONFLICT: _told_before,
    Code.FX_QUOTE_INVALID: lambda telling: telling.data.__setitem__("rate", "0"),
}
"""Its order key is a pair of currencies, which other tellings have, too: nobody parks it."""
