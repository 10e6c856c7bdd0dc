"""International bank account numbers (ISO 13616): their form, their check digits, and as much as may be kept."""

import re
from typing import Final

_FORM: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_SHOWN_FIRST, _SHOWN_LAST = 4, 4


def is_iban(text: str) -> bool:
    """True where the check digits are right: moved to the end, letters as 10 to 35, the number is 1 modulo 97."""
    if _FORM.fullmatch(text) is None:
        return False
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


def masked(iban: str) -> str:
    """Country, check digits and the last four characters: `GE29************0001`."""
    return iban[:_SHOWN_FIRST] + "*" * (len(iban) - _SHOWN_FIRST - _SHOWN_LAST) + iban[-_SHOWN_LAST:]
