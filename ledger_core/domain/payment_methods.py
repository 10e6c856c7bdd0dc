"""Payment methods on file with a processor: facts that the log keeps, and nothing is decided on."""

from dataclasses import dataclass


@dataclass(slots=True)
class PaymentMethodTokenized:
    """A payer's card or account is on file. `brand` and `last_four` are for people; no token, no number."""

    payment_method_id: str
    method: str
    brand: str = ""
    last_four: str = ""


@dataclass(slots=True)
class PaymentMethodDetached:
    payment_method_id: str
    reason: str = ""


PaymentMethodFact = PaymentMethodTokenized | PaymentMethodDetached
