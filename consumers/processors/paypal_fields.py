"""What all of PayPal's resources have in common: amounts, which are decimals, in two spellings."""

from typing import Final

from consumers.processors import digits, events
from consumers.processors.fields import found, section, text
from consumers.processors.model import Context, Json

NAME: Final = "paypal"


def amount(resource: Json, context: Context, *, member: str = "amount") -> Json:
    """Of Payments v2 `currency_code` and `value`; of older resources `currency` and `total`. The sign says nothing more
    than the type of the webhook."""
    said = section(resource, member)
    currency = text(said, "currency_code" if found(said, "currency_code") is not None else "currency")
    value = text(said, "value" if found(said, "value") is not None else "total")
    minor = digits.minor_units_of_decimal(value.removeprefix("-"), currency, digits.PAYPAL, context.scales)
    return events.money(minor, currency)
