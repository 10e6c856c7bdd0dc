"""The forms of what a parked event can wait for."""

from pathlib import Path

import pytest

from ledger_core.domain.awaited import Awaited, form_of

DOCUMENTED = (Path(__file__).parents[3] / "docs" / "how-to" / "dead-letters.md").read_text("utf-8")

FORMS = [
    ("payment.captured", Awaited.EVENT_TYPES),
    ("payment.intent_created|payment.authorized|payment.captured", Awaited.EVENT_TYPES),
    ("payment.intent_created|payment.authorized", Awaited.ANNOUNCED),
    ("voucher:/psp#captured-1", Awaited.VOUCHER),
    ("order_key", Awaited.ORDER_KEY),
    ("account:wallet:seller:1", Awaited.ACCOUNT),
    ("gate:approval:2:EUR:5000", Awaited.GATE),
    ("gate:review", Awaited.GATE),
    ("gate:verification:customer-7", Awaited.VERIFICATION),
    ("sweep:daily", Awaited.SWEEP),
    ("transfer.inflow.received", Awaited.EVENT_TYPES),
    ("period", Awaited.PERIOD),
    ("period:2020", None),
    ("account:", None),
    ("group:assets", None),
    ("payment.captured|", None),
    ("", None),
]


@pytest.mark.parametrize(("waits_for", "form"), FORMS)
def test_what_is_waited_for_has_a_form_or_none(waits_for: str, form: Awaited | None) -> None:
    assert form_of(waits_for) is form


@pytest.mark.parametrize("form", [form for form in Awaited if form], ids=str)
def test_every_form_is_explained(form: Awaited) -> None:
    in_a_table = form.replace("|", r"\|")
    assert f"| `{in_a_table}" in DOCUMENTED
