"""Reads the plain text of hledger and ledger: the part of it that says what was posted.

Strict: a line of which not everything is understood is a fault with its number, never left out in silence. Both
programs share the grammar; where they read a number differently, the dialect says how.
"""

import re
from collections.abc import Sequence
from datetime import date
from enum import Enum
from typing import Final

from consumers.imports.amounts import AmountError, amount_of, times, with_sign_of
from consumers.imports.commodities import minor_digits_of, sample_of
from consumers.imports.model import Amount, Fault, Holding, ImportFaultsError, Journal, Posting, Transaction


class Dialect(Enum):
    """Whose journal it is. Ledger takes the comma of `1,234` for thousands, hledger may take it for decimals."""

    HLEDGER = "hledger"
    LEDGER = "ledger"


_DATE: Final = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_HEADING: Final = re.compile(r"(?P<day>[0-9][0-9/.-]*)(?P<second>=\S*)?(?:\s+(?P<flag>[*!])(?=\s|$))?(?P<rest>.*)")
_CODE: Final = re.compile(r"\s*\((?P<number>[^)]*)\)(?=\s|$)")
_ACCOUNT_DIRECTIVE: Final = re.compile(r"account\s+(?P<name>.*?)(?:\s{2,};\s*(?P<comment>.*))?")
_TYPE_TAG: Final = re.compile(r"(?:^|[\s,])type:\s*(?P<type>\w+)")
_POSTING: Final = re.compile(r"\s+(?:[*!]\s+)?(?P<account>\S+(?: \S+)*)(?:(?:\s{2,}|\t)\s*(?P<amount>.*))?")
_COST_SIGNS: Final = ("{", "[", "((")

TYPES: Final = {
    "a": "asset", "asset": "asset", "c": "asset", "cash": "asset", "l": "liability", "liability": "liability",
    "e": "equity", "equity": "equity", "v": "equity", "conversion": "equity", "r": "revenue", "revenue": "revenue",
    "x": "expense", "expense": "expense",
}  # fmt: skip
"""Account types of hledger, and ours."""

READ_OVER: Final = ("P", "payee", "tag")
"""Directives that say nothing about balances: market prices, and declarations of names."""

COMMENTS: Final = {Dialect.HLEDGER: ";#*", Dialect.LEDGER: ";#%|*"}


def read_ledger_text(lines: Sequence[str], dialect: Dialect) -> Journal:
    """The journal in these lines. Raises `ImportFaultsError` with every fault."""
    reader = _Reader(dialect)
    for number, line in enumerate(lines, start=1):
        reader.take(number, line.rstrip("\n\r"))
    return reader.end()


class _Reader:
    """Takes a line at a time; a transaction ends where the next line is not indented."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._journal = Journal()
        self._faults: list[Fault] = []
        self._heading: Transaction | None = None
        self._postings: list[Posting] = []
        self._in_comment = 0
        self._below = ""
        """The directive that indented lines belong to, where they belong to no transaction."""
        self._declared = ""
        """What that directive declares: an account's name or a commodity's symbol."""
        self._pointed: set[str] = set()
        """Commodities in which a comma is between groups of digits, since a point is before decimals."""
        self._all_pointed = dialect is Dialect.LEDGER

    def take(self, number: int, line: str) -> None:
        if self._in_comment:
            self._in_comment = 0 if line.strip() == "end comment" else self._in_comment
        elif line[:1] in (" ", "\t") and line.strip():
            self._indented(number, line)
        else:
            self._finish()
            self._below = ""
            if line.strip() and line[0] not in COMMENTS[self._dialect]:
                self._directive(number, line)

    def end(self) -> Journal:
        self._finish()
        if self._faults:
            raise ImportFaultsError(self._faults)
        return self._journal

    # ----------------------------------------------------------------------------------------------- directives
    def _directive(self, number: int, line: str) -> None:
        word = line.split(maxsplit=1)[0]
        if word[0].isdigit():
            self._begin(number, line)
        elif word == "comment":
            self._in_comment = number
        elif word == "account":
            self._declare(number, line)
        elif word == "commodity":
            self._declare_commodity(number, line.removeprefix(word))
        elif word == "decimal-mark" and line.split(maxsplit=1)[1:] == ["."]:
            self._all_pointed = True
            self._journal.read_over[word] += 1
        elif word in READ_OVER:
            self._journal.read_over[word] += 1
        else:
            self._fault(number, f"the directive {word!r:.30} is not supported")

    def _declare(self, number: int, line: str) -> None:
        match = _ACCOUNT_DIRECTIVE.fullmatch(line.rstrip())
        if match is None or not match["name"] or ";" in match["name"]:
            self._fault(number, "not a declaration of an account: `account NAME  ; type:TYPE`")
            return
        self._below, self._declared = "account", match["name"]
        self._journal.read_over["account"] += 1
        if tag := _TYPE_TAG.search(match["comment"] or ""):
            self._declare_type(number, tag["type"])

    def _declare_type(self, number: int, said: str) -> None:
        declared = TYPES.get(said.lower())
        if declared is None:
            self._fault(number, f"{said!r:.30} is no type of account")
        else:
            self._journal.account_types[self._declared] = declared

    def _declare_commodity(self, number: int, text: str) -> None:
        sample, _, comment = text.partition(";")
        self._below, self._declared = "commodity", ""
        self._journal.read_over["commodity"] += 1
        self._sample(number, sample.strip())
        self._note(number, comment)

    def _sample(self, number: int, text: str) -> None:
        try:
            symbol, pointed = sample_of(text, lone_comma_groups=self._all_pointed)
        except AmountError as error:
            self._fault(number, str(error))
            return
        if self._declared not in ("", symbol):
            self._fault(number, f"a format of {symbol!r:.30} below the commodity {self._declared!r:.30}")
        self._declared = symbol
        if pointed:
            self._pointed.add(symbol)

    def _sub_directive(self, number: int, text: str) -> None:
        word, _, rest = text.partition(" ")
        if word == "note":
            self._note(number, rest)
        elif self._below == "commodity" and word == "format":
            self._sample(number, rest.partition(";")[0].strip())
        elif not (self._below == "commodity" and text == "nomarket"):
            self._fault(number, f"the sub-directive {word!r:.30} is not supported")

    def _note(self, number: int, text: str) -> None:
        """A note is for people, but for two that our own exports write."""
        if self._below == "commodity" and (digits := minor_digits_of(text)) is not None:
            self._journal.minor_digits[self._declared] = digits
        elif self._below == "account" and (tag := _TYPE_TAG.fullmatch(text.strip())):
            self._declare_type(number, tag["type"])

    # --------------------------------------------------------------------------------------------- transactions
    def _begin(self, number: int, line: str) -> None:
        text = line.partition(";")[0].rstrip()
        match = _HEADING.fullmatch(text)
        day = day_of(match["day"]) if match else None
        if match is None or day is None:
            self._fault(number, f"no date: {text[:30]!r}")
            day = date.min
        elif match["second"]:
            self._fault(number, "a second date is not supported")
        rest = match["rest"] if match else ""
        code = _CODE.match(rest)
        description = rest[code.end() :] if code else rest
        self._heading = Transaction(number, day, description.strip(), (), code["number"].strip() if code else "")

    def _indented(self, number: int, line: str) -> None:
        text = line.strip()
        if text[0] in ";#":
            return
        if self._heading is None:
            if self._below:
                self._sub_directive(number, text)
            else:
                self._fault(number, "a posting without a transaction")
            return
        try:
            self._postings.append(self._posting(number, line.partition(";")[0].rstrip()))
        except AmountError as error:
            self._fault(number, str(error))

    def _posting(self, number: int, line: str) -> Posting:
        match = _POSTING.fullmatch(line)
        if match is None:
            raise AmountError("not a posting: an account, two spaces or more, an amount")
        account, virtual = _virtual(match["account"])
        written = (match["amount"] or "").strip()
        if not written:
            return Posting(number, account, None, virtual=virtual)
        written, asserts, holds_text = (part.strip() for part in written.partition("="))
        holds = self._asserted(written, holds_text) if asserts else None
        if any(sign in written for sign in _COST_SIGNS):
            raise AmountError("lot costs and dates are not supported")
        amount_text, sign, price_text = written.partition("@")
        amount = self._amount(amount_text.strip())
        if not sign:
            return Posting(number, account, amount, virtual=virtual, holds=holds)
        total = price_text.startswith("@")
        price = self._amount(price_text.removeprefix("@").strip())
        if price.number < 0:
            raise AmountError("a price is not negative")
        weight = with_sign_of(amount, price) if total else times(amount, price)
        return Posting(number, account, amount, weight, virtual, holds)

    def _asserted(self, amount: str, text: str) -> Holding:
        if not amount:
            raise AmountError("balance assignments are not supported: say the amount")
        if self._dialect is Dialect.LEDGER:
            raise AmountError("balance assertions are not supported: ledger's see a part of the transaction only")
        alone, rest = text.startswith("="), text.removeprefix("=")
        return Holding(self._amount(rest.removeprefix("*").strip()), rest.startswith("*"), alone)

    def _amount(self, text: str) -> Amount:
        if self._all_pointed or not self._pointed:
            return amount_of(text, lone_comma_groups=self._all_pointed)
        commodity = amount_of(text, lone_comma_groups=True).commodity
        return amount_of(text, lone_comma_groups=commodity in self._pointed)

    def _finish(self) -> None:
        if self._heading is None:
            return
        heading, postings = self._heading, tuple(self._postings)
        self._heading, self._postings = None, []
        if not postings:
            self._fault(heading.line, "a transaction without postings")
        transaction = Transaction(heading.line, heading.day, heading.description, postings, heading.number)
        self._journal.transactions.append(transaction)

    def _fault(self, number: int, text: str) -> None:
        self._faults.append(Fault(number, text))


def _virtual(name: str) -> tuple[str, bool]:
    """`(account)` stands outside the balance; `[account]` is balanced among its like, so within the rest, too."""
    if name.startswith("(") and name.endswith(")"):
        return name[1:-1].strip(), True
    if name.startswith(("[", "(")):
        raise AmountError("virtual postings that balance are not supported: [account]")
    return name, False


def day_of(text: str) -> date | None:
    """A date with its year, or None."""
    match = _DATE.fullmatch(text)
    try:
        return date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except ValueError:
        return None
