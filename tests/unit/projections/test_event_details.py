"""What an event says beside what every event says, as timelines show it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from projections.queries.amounts import Amount
from projections.queries.event_details import about_of, details_of

SCALES = {"EUR": 2, "BRL": 2, "JPY": 0}
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORIGIN: dict[str, Any] = {
    "kind": "capture", "rule": "payment_captured/1", "effective_at": "2026-11-22T12:00:00.000000Z", "source": "/psp",
    "event_id": "e-1", "event_type": "payment.captured.v1", "cause": ["payments", 0, 7], "amount_minor": "100",
    "currency": "EUR", "lines": [["cash", "D", "100", "EUR", "payment"]],
}  # fmt: skip
LEG = {"id": "l-1", "beneficiary": "a", "amount_minor": "619", "commission_minor": "9", "net_minor": "610"}
QUOTE = {"rate": "6.19", "base": "EUR", "counter": "BRL", "provider": "bank", "source": "desk",
         "quoted_at": "2026-11-22T11:59:00Z"}  # fmt: skip


@pytest.mark.parametrize(
    ("said", "details"),
    [
        ({}, {}),
        ({"method": "card", "partial": True}, {"method": "card", "partial": True}),
        ({"fee_minor": "15", "platform_fee": "kept"}, {"fee": Amount(15, "EUR", 2), "platform_fee": "kept"}),
        ({"gateway_transaction_id": "ch_1", "refund_id": "r-1"}, {"gateway_transaction_id": "ch_1"}),
        ({"metadata": {"cart_minor": "seven", "side": "D"}}, {"metadata": {"cart_minor": "seven", "side": "D"}}),
        ({"hold": {"status": "PLACED", "side": "D", "released_minor": "5"}},
         {"hold": {"status": "PLACED", "side": "debit", "released": Amount(5, "EUR", 2)}}),
        ({"commissions": {"wallet:a_minor": "3"}}, {"commissions": {"wallet:a_minor": Amount(3, "EUR", 2)}}),
        ({"notice": {"kind": "verification", "key": "c-1", "revision": 2, "status": "VERIFIED"}},
         {"revision": 2, "status": "VERIFIED"}),
        ({"code": "ACCOUNT_FROZEN", "detail": "it is", "waits_for": "account:a"}, {}),
        ({"exchanged": {"amount_minor": "619", "currency": "BRL"},
          "split": {"custody": "escrow", "commission_minor": "9", "legs": [LEG]}},
         {"exchanged": Amount(619, "BRL", 2), "custody": "escrow", "commission": Amount(9, "BRL", 2),
          "legs": [{"id": "l-1", "beneficiary": "a", "amount": Amount(619, "BRL", 2),
                    "commission": Amount(9, "BRL", 2), "net": Amount(610, "BRL", 2)}]}),
    ],
    ids=["nothing", "a capture", "a fee", "ids", "names of the publisher's own", "a hold", "an account's name",
         "a notice", "a refusal", "a split across currencies"],
)  # fmt: skip
def test_details_are_what_no_field_says_by_the_names_of_the_publisher(
    said: dict[str, Any], details: dict[str, object]
) -> None:
    assert details_of({**ORIGIN, **said}, "EUR", SCALES, AT) == details


def test_a_quote_says_how_old_it_was() -> None:
    stale = {"age_minutes": 1, "max_age_minutes": 0}
    quote: Any = details_of({**ORIGIN, "quote": QUOTE, "stale_quote": stale}, "EUR", SCALES, AT)["quote"]
    assert (quote.rate, quote.age_seconds, quote.stale) == ("6.19", 60, True)


def test_an_amount_of_which_nobody_named_the_currency_stays_as_the_log_has_it() -> None:
    assert details_of({"hold": {"released_minor": "5"}}, "", SCALES, AT) == {"hold": {"released_minor": "5"}}


def test_ids_of_steps_are_what_an_event_is_about() -> None:
    assert about_of({**ORIGIN, "gateway_transaction_id": "ch_1", "refund_id": "r-1"}) == {"refund_id": "r-1"}
