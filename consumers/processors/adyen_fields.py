"""What all of Adyen's notifications have in common: the payment that an item is of, its amount, time and splits."""

import re
from typing import Final

from consumers.processors import digits, events
from consumers.processors.fields import (
    found,
    identifier,
    moment,
    optional_text,
    section,
    sections,
    text,
    whole_number,
    word,
)
from consumers.processors.model import Context, Json, UnmappableError

NAME: Final = "adyen"

PLATFORM_FEES: Final = "control:PLATFORM_FEES"
OF_SELLERS: Final = frozenset({"BalanceAccount", "MarketPlace"})
"""Types of splits that go to an account of somebody else; Commission is the platform's."""
DIGITS: Final = re.compile(r"[0-9]{1,18}")
MOST_SPLITS: Final = 1000


def payment_key(item: Json) -> str:
    """The payment that a modification, or a dispute, is of."""
    return events.payment_key(NAME, identifier(item, "originalReference"))


def own_reference(item: Json) -> str:
    return identifier(item, "pspReference")


def amount(item: Json, context: Context) -> Json:
    currency = text(item, "amount", "currency")
    return events.money(_minor_units(whole_number(item, "amount", "value"), currency, context), currency)


def time_of(item: Json) -> str:
    return moment(item, "eventDate")


def method(item: Json) -> str:
    return word(item, "paymentMethod", otherwise=NAME)


def beneficiaries(item: Json, context: Context) -> tuple[Json, ...]:
    """The split of the amount between accounts, as `splits` or, flat, in `additionalData`. Fees of the payment, taxes
    and what is left for the platform's own account are nobody's part: they stay in the order's suspense."""
    if not context.beneficiary_account:
        return ()
    currency = text(item, "amount", "currency")
    made = []
    for kind, account, value in (*_splits(item), *_flat_splits(item)):
        code = PLATFORM_FEES if kind == "Commission" else ""
        if kind in OF_SELLERS:
            code = events.account_of(context.beneficiary_account, account)
        if code and value:
            made.append(events.beneficiary(code, _minor_units(value, currency, context)))
    return tuple(made)


def _splits(item: Json) -> list[tuple[str, str, int]]:
    splits = sections(item, "splits")
    return [
        (text(split, "type"), word(split, "account", otherwise=""), _value(found(split, "amount", "value")))
        for split in splits[:MOST_SPLITS]
    ]


def _flat_splits(item: Json) -> list[tuple[str, str, int]]:
    count = optional_text(item, "additionalData", "split.nrOfItems")
    if not count:
        return []
    data = section(item, "additionalData")
    if DIGITS.fullmatch(count) is None or int(count) > MOST_SPLITS:
        raise UnmappableError("DATA_INVALID", "additionalData.split.nrOfItems is no number of items")
    items = [f"split.item{n}" for n in range(1, int(count) + 1)]
    return [
        (text(data, f"{one}.type"), word(data, f"{one}.account", otherwise=""), _value(data.get(f"{one}.amount")))
        for one in items
    ]


def _value(value: object) -> int:
    """An amount, flat ones as text; one that is not there (a fee that is known later) is none."""
    if value is None:
        return 0
    found_text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if DIGITS.fullmatch(found_text) is None:
        raise UnmappableError("DATA_INVALID", "the amount of a split is no whole number from 0 to 10^18 - 1")
    return int(found_text)


def _minor_units(value: int, currency: str, context: Context) -> str:
    return digits.minor_units(value, currency, digits.ADYEN, context.scales)
