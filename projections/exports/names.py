"""Account codes as names that other programs read, and back without loss; and texts that stay on their line.

A code is letters, digits and `: . _ -`, the first a letter or digit. hledger takes every code as it is. ledger drops
empty parts (`a::b` reads as `a:b`), which are therefore written `~`. beancount has a grammar of its own:

| in a part of a code | in a part of a beancount name |
|---|---|
| a lower-case letter at its beginning | the same in upper case: `wallet` → `Wallet` |
| a digit at its beginning | the same: `42` → `42` |
| an upper-case letter at its beginning | with `X-` before it: `BRL` → `X-BRL` |
| nothing, or one of `. _ -` at its beginning | with `X-e` before it |
| `-`, `.`, `_` anywhere | `--`, `-d`, `-u` |

Before all stands one of its five roots, by the type of the account.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

ROOTS: Final[Mapping[str, str]] = {
    "asset": "Assets", "liability": "Liabilities", "equity": "Equity", "revenue": "Income", "expense": "Expenses",
}  # fmt: skip
NOTHING: Final = "~"
_ESCAPES: Final[Mapping[str, str]] = {"-": "--", ".": "-d", "_": "-u"}
_PLAIN: Final[Mapping[str, str]] = {escape: character for character, escape in _ESCAPES.items()}
_ESCAPE: Final = re.compile("-[-du]")
_UPPER: Final = "X-"
_OTHER: Final = "X-e"
# These mean something to one of the programs where we write texts: comments, tags, payees, dates, strings.
_MEANT: Final = frozenset('%;,|["\\')
_FORMULA: Final = frozenset("=+-@\t\r'")
"""A text that begins so is, or would after our apostrophe look like, something else than itself."""


def ledger_name(code: str) -> str:
    """The code as ledger keeps it."""
    return ":".join(part or NOTHING for part in code.split(":"))


def ledger_code(name: str) -> str:
    """The code behind a name that `ledger_name` made."""
    return ":".join("" if part == NOTHING else part for part in name.split(":"))


def beancount_name(code: str, account_type: str) -> str:
    """The code in beancount's grammar, under the root of its type."""
    return ":".join([ROOTS[account_type], *map(_beancount_part, code.split(":"))])


def beancount_code(name: str) -> str:
    """The code behind a name that `beancount_name` made."""
    return ":".join(map(_code_part, name.split(":")[1:]))


def one_line(text: str) -> str:
    """A text without what would end its line or mean something there: those characters stand as in a URL, %0A.

    Spaces at its ends, which the programs cut off, are written so too. `unquote` gives the text back.
    """
    inner = text.strip(" ")
    if inner == text and text.isprintable() and _MEANT.isdisjoint(text):
        return text
    first = len(text) - len(text.lstrip(" ")) if inner else len(text)
    last = first + len(inner)
    return "".join(
        character
        if first <= at < last and character.isprintable() and character not in _MEANT
        else "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
        for at, character in enumerate(text)
    )


def text_of(line: str) -> str:
    """The text behind what `one_line` made."""
    return unquote(line, errors="surrogatepass")


def no_formula(text: str) -> str:
    """A text as a spreadsheet's cell: one that it would take for a formula gets an apostrophe before it."""
    return f"'{text}" if text[:1] in _FORMULA else text


def _beancount_part(part: str) -> str:
    escaped = "".join(_ESCAPES.get(character, character) for character in part)
    first = part[:1]
    if first.isdigit():
        return escaped
    if first.islower():
        return escaped[0].upper() + escaped[1:]
    return (_UPPER if first.isupper() else _OTHER) + escaped


def _code_part(part: str) -> str:
    if part.startswith(_OTHER):
        return _unescaped(part.removeprefix(_OTHER))
    if part.startswith(_UPPER) and part[len(_UPPER) : len(_UPPER) + 1].isupper():
        return _unescaped(part.removeprefix(_UPPER))
    return _unescaped(part[:1].lower() + part[1:])


def _unescaped(part: str) -> str:
    return _ESCAPE.sub(lambda found: _PLAIN[found.group()], part)
