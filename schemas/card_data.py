"""Masks card numbers and card verification values before anything is stored or logged (I28): the one place that does.

A card number is a run of digits, with spaces or dashes between them or not, that begins as one of the schemes' numbers
do, is as long as theirs are and passes the check digit; its last four digits stay, and so does the length of the text.
Where the name of a member says what its value is, digits need not convince. Masking what is masked changes nothing.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

LONGEST_MASK: Final = 3
KEPT_DIGITS: Final = 4
SHORTEST, LONGEST = 12, 19

Path = tuple[str, ...]
"""The names of the members that a value stands in, the outermost first; arrays have none."""
Keeps = Callable[[Path], bool]
"""Whether what stands there is an identifier or an amount, whose digits stay though they pass for a card number."""

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|-?[0-9][0-9.eE+-]*|[\[\]{}:,]|[a-z]+', re.DOTALL)
# Between the digits one space or dash, as people write and word processors set them.
_GAP: Final = "[ \u00a0\u2007\u2009\u202f\u2010-\u2015-]"
_RUN: Final = re.compile(rf"\d(?:{_GAP}?\d){{{SHORTEST - 1},}}")
_RUN_IN_TEXT: Final = re.compile(r"[0-9](?:[ -]?[0-9]){11}")  # the same where all is ASCII: half of the cost
_GROUP: Final = re.compile(r"\d+")
# In bytes of no known encoding: the NULs of UTF-16 stand between the digits, too.
_RUN_OF_BYTES: Final = re.compile(rb"[0-9](?:[ \0-]{0,3}[0-9]){11,}")
_NAMED_BYTES: Final = re.compile(
    rb"(card[_-]?)?(?:cvc|cvv2?|cvn|csc|(?:card[_-]?)?security[_-]?code|pin)[\"']?\s*[:=]\s*[\"']?([0-9]{3,12})(?![0-9])",
    re.IGNORECASE,
)
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

# What a document must hold for anything of it to be masked, as cheap to look for as it is rare. Names are looked for
# in letters and digits alone; escapes and what is not ASCII may hide anything.
_RUN_IN_ASCII: Final = re.compile(rb"[0-9](?:[ -]?[0-9]){11}|[\\\x80-\xff]")
_NAME_IN_ASCII: Final = re.compile(rb"cv[cvn]|csc|cid|pin|track|securitycode|pan|cardnumber|primaryaccountnumber")
_LOWER: Final = bytes(range(256)).lower()
_NEITHER_LETTER_NOR_DIGIT: Final = bytes(byte for byte in range(256) if not chr(byte).isalnum() or byte > 127)

SECRETS: Final = frozenset({
    "cvc", "cvv", "cvv2", "cvn", "csc", "cid", "cardcvc", "cardcvv", "securitycode", "cardsecuritycode", "cvcvalue",
    "encryptedsecuritycode", "pin", "pinblock", "track1", "track2", "trackdata", "track1data", "track2data",
})  # fmt: skip
"""Members that are masked whatever they hold; in names only letters and digits count."""
CARD_NUMBERS: Final = frozenset({"cardnumber", "pan", "primaryaccountnumber", "encryptedcardnumber"})
"""Members whose digits are masked though they do not pass for a card number."""
VERIFICATIONS: Final = ("cvc", "cvv", "securitycode")
"""A member with this in its name is masked when its value is three or four digits; `cvc_check` says "pass"."""

_IDENTIFIER: Final = re.compile(r"(?:^|[_.:-])(?:id|reference|minor)$|[a-z0-9](?:I[dD]|Reference|Minor)$")
_INSTRUMENT: Final = re.compile(r"card|instrument|payment_?method|fingerprint|token", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Masked:
    """The document that may be stored, and how many values of it are masked, the names of members among them."""

    document: bytes
    values: int
    names: int


def is_card_number(text: str) -> bool:
    """By its beginning, length and check digit; spaces and dashes do not count."""
    digits = [int(character) for character in text if character.isdecimal()]
    return _SCHEMES.fullmatch("".join(map(str, digits))) is not None and _luhn_holds(digits)


def mask_text(text: str) -> str:
    """The text with each card number in it masked; the same object where there is none."""
    if len(text) < SHORTEST or (_RUN_IN_TEXT if text.isascii() else _RUN).search(text) is None:
        return text
    return _RUN.sub(lambda run: _mask_run(run[0]), text)


def mask_member(name: str, text: str) -> str:
    """The text of a member of this name: what the name says counts, too."""
    plain, keeps = _meaning(name)
    return _mask_named(text, plain, keeps=keeps)


@lru_cache(maxsize=1_000)
def _meaning(name: str) -> tuple[str, bool]:
    return _plain(name), names_an_identifier(name)


def names_an_identifier(name: str) -> bool:
    """`payment_id`, `pspReference`, `amount_minor`; not what names a card or a token of one, such as `card_id`."""
    return _IDENTIFIER.search(name) is not None and _INSTRUMENT.search(name) is None


def by_name(path: Path) -> bool:
    """Keeps what the names of members let pass for identifiers and amounts."""
    return bool(path) and names_an_identifier(path[-1])


def nothing(_path: Path) -> bool:
    """Keeps nothing that passes for a card number, whatever its name."""
    return False


def mask_document(document: bytes, keeps: Keeps = by_name) -> Masked:
    """Masks a document that was read as JSON before; of anything else, nothing is promised. Byte for byte it stays
    what it was, but for the values that are masked."""
    if not _may_hold(document):
        return Masked(document, 0, 0)
    pieces: list[bytes] = []
    end = values = names = 0
    for value in _values(document):
        replacement = _mask_token(value, keeps)
        if replacement is not None:
            pieces += [document[end : value.start], replacement]
            end = value.start + len(value.token)
            values += 1
            names += value.is_name
    return Masked(b"".join([*pieces, document[end:]]), values, names)


def mask_bytes(value: bytes) -> bytes:
    """Masks bytes that are no document: card numbers in ASCII or UTF-16, and digits behind the name of a verification
    value. Their length stays."""
    value = _RUN_OF_BYTES.sub(lambda run: _mask_run(run[0].decode("ascii")).encode("ascii"), value)
    return _NAMED_BYTES.sub(lambda found: found[0][: -len(found[2])] + b"*" * len(found[2]), value)


# ---------------------------------------------------------------------------------------- one document's values
def _may_hold(document: bytes) -> bool:
    if _RUN_IN_ASCII.search(document) is not None:
        return True
    return _NAME_IN_ASCII.search(document.translate(_LOWER, _NEITHER_LETTER_NOR_DIGIT)) is not None


@dataclass(slots=True)
class _Value:
    """A string or number, or the name of a member, and where it stands."""

    start: int
    token: bytes
    path: Path
    secret: bool
    is_name: bool = False


@dataclass(slots=True)
class _Open:
    """An array or object that is being read: the member that comes next, and whether all of it is secret."""

    path: Path
    is_object: bool
    secret: bool
    member: Path = field(default=())

    def __post_init__(self) -> None:
        self.member = self.path


def _values(document: bytes) -> Iterator[_Value]:
    opened = [_Open((), is_object=False, secret=False)]
    is_name = False
    for match in _TOKEN.finditer(document):
        token, inner = match[0], opened[-1]
        match token:
            case b"{" | b"[":
                secret = inner.secret or _is_secret(inner.member)
                opened.append(_Open(inner.member, is_object=token == b"{", secret=secret))
                is_name = token == b"{"
            case b"}" | b"]":
                opened.pop()
                is_name = False
            case b",":
                is_name = inner.is_object
            case b":":
                is_name = False
            case _ if is_name:
                inner.member = (*inner.path, str(json.loads(token)))
                yield _Value(match.start(), token, (), secret=False, is_name=True)
            case _:
                yield _Value(match.start(), token, inner.member, secret=inner.secret)


def _is_secret(path: Path) -> bool:
    return bool(path) and _plain(path[-1]) in SECRETS


def _mask_token(value: _Value, keeps: Keeps) -> bytes | None:
    """What stands instead of it; None where nothing must."""
    token = value.token
    if token[:1] not in b'"-0123456789':
        return None  # true, false, null
    text = json.loads(token) if token[:1] == b'"' else token.decode()
    if value.secret:
        masked = _hidden(text)
    else:
        name = _plain(value.path[-1]) if value.path else ""
        masked = _mask_named(text, name, keeps=not value.is_name and keeps(value.path))
    return None if masked == text else json.dumps(masked).encode()


# ---------------------------------------------------------------------------------------- one text
def _plain(name: str) -> str:
    """`card_number`, `cardNumber` and `card.number` are one name."""
    return "".join(character for character in name.lower() if character.isalnum())


def _mask_named(text: str, name: str, *, keeps: bool) -> str:
    if name in SECRETS or (_VERIFICATION_VALUE.fullmatch(text) and any(part in name for part in VERIFICATIONS)):
        return _hidden(text)
    if name in CARD_NUMBERS:
        return _keep_last(text)
    return text if keeps else mask_text(text)


def _hidden(text: str) -> str:
    """Never longer than it was: nothing may hide behind what a mask adds."""
    return "*" * min(len(text), LONGEST_MASK)


def _mask_run(run: str) -> str:
    """A run of digits may hold more than one card's: the amount before it, or when it expires behind it."""
    groups = [(group.start(), group.end()) for group in _GROUP.finditer(run)]
    masked, end, first = "", 0, 0
    while first < len(groups):
        last = _last_of_card(run, groups, first)
        if last is None:
            first += 1
            continue
        start, stop = groups[first][0], groups[last][1]
        masked += run[end:start] + _keep_last(run[start:stop])
        end, first = stop, last + 1
    return masked + run[end:]


def _last_of_card(run: str, groups: Sequence[tuple[int, int]], first: int) -> int | None:
    """The last group of the longest card number that begins with the group `first`."""
    found, digits = None, 0
    for last in range(first, len(groups)):
        digits += groups[last][1] - groups[last][0]
        if digits > LONGEST:
            break
        if digits >= SHORTEST and is_card_number(run[groups[first][0] : groups[last][1]]):
            found = last
    return found


def _keep_last(text: str) -> str:
    """Each digit as a star, but the last four of a number long enough to keep them; a star stands for a digit."""
    places = [place for place, character in enumerate(text) if character.isdecimal() or character == "*"]
    hidden = set(places[:-KEPT_DIGITS] if len(places) >= 3 * KEPT_DIGITS else places)
    return "".join("*" if place in hidden else character for place, character in enumerate(text))


def _luhn_holds(digits: Sequence[int]) -> bool:
    doubled = [digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4) for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0
