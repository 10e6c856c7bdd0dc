"""Masks card numbers and card verification values in a JSON document, before anything of it is stored (I28).

Byte for byte the document stays what it was, but for the values that are masked. A card number is a run of digits, with
spaces or dashes between them or not, that begins as one of the schemes' numbers do, is as long as theirs are and passes
the check digit; its last four digits stay. Where a name says what a value is, its digits need not convince.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

MASK: Final = "***"
KEPT_DIGITS: Final = 4

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|-?[0-9][0-9.eE+-]*|[\[\]{}:,]|[a-z]+', re.DOTALL)
_DIGIT_RUN: Final = re.compile(r"(?<![0-9])(?<![0-9][ -])[0-9](?:[ -]?[0-9]){11,18}(?![ -]?[0-9])")
_VERIFICATION_VALUE: Final = re.compile(r"[0-9]{3,4}")

# The schemes' first digits, and how long their numbers are.
_SCHEMES: Final = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11,16}"  # Diners Club
    r"|6(?:011|4[4-9][0-9]|5[0-9]{2})[0-9]{12,15}"  # Discover
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12,15}"  # JCB
    r"|62[0-9]{14,17}"  # UnionPay
    r"|(?:5[06-8]|6[0-9])[0-9]{10,17}"  # Maestro
)

SECRETS: Final = frozenset({
    "cvc", "cvv", "cvv2", "cvn", "csc", "cid", "cardcvc", "cardcvv", "securitycode", "cardsecuritycode", "cvcvalue",
    "encryptedsecuritycode", "pin", "pinblock", "track1", "track2", "trackdata", "track1data", "track2data",
})  # fmt: skip
"""Members that are masked whatever they hold; in names only letters and digits count."""
CARD_NUMBERS: Final = frozenset({"cardnumber", "pan", "primaryaccountnumber", "encryptedcardnumber"})
"""Members whose digits are masked though they do not pass for a card number."""
VERIFICATIONS: Final = ("cvc", "cvv", "securitycode")
"""A member with this in its name is masked when its value is three or four digits; `cvc_check` says "pass"."""
IDENTIFIERS: Final = frozenset({"id", "pspreference", "originalreference"})
"""Members that name a payment at its processor: digits of theirs that pass for a card number are not one."""


@dataclass(frozen=True, slots=True)
class Masked:
    """The document that may be stored, and how many values of it are masked."""

    document: bytes
    values: int


def mask_document(document: bytes) -> Masked:
    """Masks a document that was read as JSON before; of anything else, nothing is promised."""
    pieces: list[bytes] = []
    end = values = 0
    for start, token, name in _names_and_values(document):
        replacement = _mask_token(token, name)
        if replacement is not None:
            pieces += [document[end:start], replacement]
            end = start + len(token)
            values += 1
    return Masked(b"".join([*pieces, document[end:]]), values)


def _names_and_values(document: bytes) -> Iterator[tuple[int, bytes, str]]:
    """Strings and numbers with the name of the member that they stand in; a name itself stands in none."""
    names: list[str] = []  # one for each array and object that is open: the member that is being read
    secret: list[str] = []  # and the secret member that all of it stands in, if any
    in_object: list[bool] = []
    is_name = False
    for match in _TOKEN.finditer(document):
        token = match[0]
        match token:
            case b"{" | b"[":
                secret.append(secret[-1] if secret and secret[-1] else _secret(names))
                names.append(names[-1] if names and token == b"[" else "")
                in_object.append(token == b"{")
                is_name = token == b"{"
            case b"}" | b"]":
                names.pop()
                secret.pop()
                in_object.pop()
                is_name = False
            case b",":
                is_name = bool(in_object) and in_object[-1]
            case b":":
                is_name = False
            case _ if is_name:
                names[-1] = _plain(token)
                yield match.start(), token, ""
            case _:
                yield match.start(), token, (secret[-1] or names[-1]) if names else ""


def _secret(names: Sequence[str]) -> str:
    return names[-1] if names and names[-1] in SECRETS else ""


def _plain(token: bytes) -> str:
    """`card_number`, `cardNumber` and `card.number` are one name."""
    text = json.loads(token)
    return "".join(character for character in str(text).lower() if character.isalnum())


def _mask_token(token: bytes, name: str) -> bytes | None:
    """What stands instead of it; None where nothing must."""
    if token[:1] not in b'"-0123456789':
        return None  # true, false, null
    text = json.loads(token) if token[:1] == b'"' else token.decode()
    masked = _mask_text(text, name)
    return None if masked == text else json.dumps(masked).encode()


def _mask_text(text: str, name: str) -> str:
    if name in SECRETS and text:
        return MASK
    if _VERIFICATION_VALUE.fullmatch(text) and any(part in name for part in VERIFICATIONS):
        return MASK
    if name in CARD_NUMBERS:
        return _keep_last(text)
    if name in IDENTIFIERS:
        return text
    return _DIGIT_RUN.sub(lambda run: _keep_last(run[0]) if is_card_number(run[0]) else run[0], text)


def _keep_last(text: str) -> str:
    """Each digit as a star, but the last four of a number long enough to keep them."""
    digits = sum(character.isdigit() for character in text)
    hidden = digits - KEPT_DIGITS if digits >= 3 * KEPT_DIGITS else digits
    kept = []
    for character in text:
        if character.isdigit() and hidden > 0:
            kept.append("*")
            hidden -= 1
        else:
            kept.append(character)
    return "".join(kept)


def is_card_number(text: str) -> bool:
    """By its beginning, length and check digit; spaces and dashes do not count."""
    digits = [int(character) for character in text if character.isdigit()]
    return _SCHEMES.fullmatch("".join(map(str, digits))) is not None and _luhn_holds(digits)


def _luhn_holds(digits: Sequence[int]) -> bool:
    doubled = [digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4) for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0
