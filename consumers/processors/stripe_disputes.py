"""Stripe's disputes. A dispute speaks through the balance transactions that it carries: one says that the amount was
taken, with the fee, another that it was given back. An inquiry (`warning_…`) took nothing.
"""

from consumers.processors.events import Dispute
from consumers.processors.fields import found, identifier, optional_text, sections, text
from consumers.processors.model import Context, Json, Mapped, PaymentEvent, Reason, Recorded
from consumers.processors.stripe_fields import amount, minor_units, payment_key, thing_of, time_of


def dispute(webhook: Json, context: Context) -> Mapped:
    """Whatever of its life the dispute shows, in the order of its steps."""
    thing, time = thing_of(webhook), time_of(webhook)
    status = optional_text(thing, "status")
    taken, given_back = _moved(thing, taken=True), _moved(thing, taken=False)
    if status.startswith("warning_"):
        return Recorded(Reason.NO_MONEY, "inquiry")
    if not (taken or given_back or status == "lost"):
        return Recorded(Reason.SAID_ELSEWHERE, "dispute funds")
    told = Dispute(
        payment_key(thing, charge="charge"), identifier(thing, "id"), amount(thing, "amount", context.scales)
    )
    made: list[PaymentEvent] = []
    if taken:
        made.append(told.opened(time, _fee_minor(taken, told.amount, context)))
        if found(thing, "evidence_details", "submission_count") not in (None, 0):
            made.append(told.evidence_submitted(time))
    if given_back:
        made.append(told.won(time, _fee_minor(given_back, told.amount, context)))
    elif status == "lost":
        made.append(told.lost(time))
    return tuple(made)


def _moved(thing: Json, *, taken: bool) -> Json:
    """The balance transaction by which the amount went, or came back."""
    for transaction in sections(thing, "balance_transactions"):
        value = found(transaction, "amount")
        if isinstance(value, int) and value and (value < 0) is taken:
            return transaction
    return {}


def _fee_minor(transaction: Json, disputed: Json, context: Context) -> str:
    """What Stripe charged with it, or gave back, where it is in the currency of the dispute: nothing is converted."""
    fee = found(transaction, "fee")
    currency = text(transaction, "currency").upper()
    if not isinstance(fee, int) or not fee or currency != disputed["currency"]:
        return ""
    return minor_units(abs(fee), currency, context.scales)
