"""Reads the plain text of beancount: the part of it that says what was posted, opened and asserted.

Strict: a line of which not everything is understood is a fault with its number, never left out in silence.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from consumers.imports.amounts import AmountError, number_of, times, with_sign_of
from consumers.imports.ledger_text import day_of
from consumers.imports.model import EXACT, Amount, Assertion, Fault, ImportFaultsError, Journal, Posting, Transaction

_ACCOUNT: Final = r"(?:Assets|Liabilities|Equity|Income|Expenses)(?::[\w-]+)+"
_CURRENCY: Final = r"[A-Z][A-Z0-9'._-]*"
_AMOUNT: Final = rf"[-+]?\s*[0-9.,]+\s+{_CURRENCY}"
_AMOUNT_PARTS: Final = re.compile(rf"(?P<sign>[-+]?)\s*(?P<digits>[0-9.,]+)\s+(?P<currency>{_CURRENCY})")
_STRING: Final = r'"(?:[^"\\]|\\.)*"'

_DATED: Final = re.compile(
    r"(?P<day>[0-9]{4}[-/][0-9]{2}[-/][0-9]{2})\s+(?P<word>[a-z]+|[*!])(?:\s+(?P<rest>.*))?", re.DOTALL
)
_HEADING: Final = re.compile(rf"(?:(?P<first>{_STRING})\s*)?(?:(?P<second>{_STRING})\s*)?(?:[#^][\w/.-]+\s*)*")
_OPTION: Final = re.compile(rf'option\s+"(?P<name>\w+)"\s+{_STRING}')
_OPEN: Final = re.compile(rf"(?P<account>{_ACCOUNT})(?:\s+(?P<currencies>{_CURRENCY}(?:\s*,\s*{_CURRENCY})*))?")
_CLOSE: Final = re.compile(rf"(?P<account>{_ACCOUNT})")
_COMMODITY: Final = re.compile(_CURRENCY)
_PRICE: Final = re.compile(rf"{_CURRENCY}\s+{_AMOUNT}")
_BALANCE: Final = re.compile(rf"(?P<account>{_ACCOUNT})\s+(?P<amount>{_AMOUNT})")
_NAMED: Final = re.compile(rf"{_STRING}\s+{_STRING}", re.DOTALL)
_NOTE: Final = re.compile(rf"{_ACCOUNT}\s+{_STRING}", re.DOTALL)
_METADATA: Final = re.compile(r"\s+[a-z][\w-]*:(?:\s.*)?")
_MINOR_DIGITS: Final = re.compile(r'\s+minor_digits:\s*"([0-9])"\s*')
"""Written by our own exports."""
_POSTING: Final = re.compile(
    rf"\s+(?:[*!]\s+)?(?P<account>{_ACCOUNT})(?:\s+(?P<amount>{_AMOUNT}))?"
    rf"(?:\s*\{{\s*(?P<cost>{_AMOUNT})\s*\}})?(?:\s*(?P<at>@@?)\s*(?P<price>{_AMOUNT}))?\s*"
)

OPTIONS: Final = ("title", "operating_currency")
"""Options that say nothing about balances."""

TYPES: Final[Mapping[str, str]] = {
    "Assets": "asset", "Liabilities": "liability", "Equity": "equity", "Income": "revenue", "Expenses": "expense",
}  # fmt: skip


def read_beancount_text(lines: Sequence[str]) -> Journal:
    """The journal in these lines. Raises `ImportFaultsError` with every fault."""
    reader = _Reader()
    for number, text in _logical(lines):
        reader.take(number, text)
    return reader.end()


def _logical(lines: Sequence[str]) -> list[tuple[int, str]]:
    """Lines with their numbers and without comments, those that one string spans joined; no lines of comment alone."""
    joined: list[tuple[int, str]] = []
    held: list[str] = []
    first = 0
    for number, line in enumerate(lines, start=1):
        first = first if held else number
        held.append(line.rstrip("\n\r"))
        text = _without_comment("\n".join(held))
        if text is None:
            continue
        if text or not line.strip():
            joined.append((first, text))
        held = []
    return [*joined, (first, "\n".join(held))] if held else joined


def _without_comment(text: str) -> str | None:
    """None while a string is open."""
    in_string = escaped = False
    if text.startswith(("*", ";")):
        return ""
    for at, sign in enumerate(text):
        if escaped:
            escaped = False
        elif in_string and sign == "\\":
            escaped = True
        elif sign == '"':
            in_string = not in_string
        elif sign == ";" and not in_string:
            return text[:at].rstrip()
    return None if in_string else text.rstrip()


@dataclass(slots=True)
class _Opened:
    """When an account takes postings, and in what."""

    since: date
    currencies: frozenset[str]
    until: date = date.max


class _Reader:
    """Takes a logical line at a time; a transaction ends where the next line is not indented."""

    def __init__(self) -> None:
        self._journal = Journal()
        self._faults: list[Fault] = []
        self._opened: dict[str, _Opened] = {}
        self._heading: Transaction | None = None
        self._postings: list[Posting] = []
        self._after_directive = False
        self._commodity = ""
        """The commodity that metadata are about."""
        self._directives: Mapping[str, Callable[[int, date, str], bool]] = {
            "*": self._begin, "!": self._begin, "txn": self._begin, "open": self._open, "close": self._close,
            "balance": self._balance, "commodity": self._declare,
            "price": self._reads_over("price", _PRICE), "event": self._reads_over("event", _NAMED),
            "query": self._reads_over("query", _NAMED), "note": self._reads_over("note", _NOTE),
        }  # fmt: skip

    def take(self, number: int, text: str) -> None:
        if not text:
            self._finish()
            return
        if text[0] in " \t":
            self._indented(number, text)
            return
        self._finish()
        self._after_directive = True
        option = _OPTION.fullmatch(text)
        match = _DATED.fullmatch(text)
        if option is not None and option["name"] in OPTIONS:
            self._journal.read_over["option"] += 1
        elif match is None:
            self._fault(number, f"{text.split(maxsplit=1)[0]!r:.30} is not supported" + (": option" if option else ""))
        else:
            self._dated(number, match)

    def end(self) -> Journal:
        self._finish()
        self._check_accounts()
        if self._faults:
            raise ImportFaultsError(self._faults)
        return self._journal

    # ----------------------------------------------------------------------------------------------- directives
    def _dated(self, number: int, match: "re.Match[str]") -> None:
        day, word = day_of(match["day"]), match["word"]
        directive = self._directives.get(word)
        if day is None:
            self._fault(number, f"no date: {match['day']}")
        elif directive is None:
            self._fault(number, f"the directive {word!r:.30} is not supported")
        elif not directive(number, day, match["rest"] or ""):
            self._fault(number, f"not everything in this {word!r} is understood")

    def _reads_over(self, word: str, pattern: "re.Pattern[str]") -> Callable[[int, date, str], bool]:
        def read_over(_number: int, _day: date, rest: str) -> bool:
            self._journal.read_over[word] += 1
            return pattern.fullmatch(rest) is not None

        return read_over

    def _declare(self, _number: int, _day: date, rest: str) -> bool:
        self._journal.read_over["commodity"] += 1
        self._commodity = rest
        return _COMMODITY.fullmatch(rest) is not None

    def _open(self, number: int, day: date, rest: str) -> bool:
        match = _OPEN.fullmatch(rest)
        if match is None:
            return False
        name = match["account"]
        if name in self._opened:
            self._fault(number, f"{name} is opened twice")
        self._opened[name] = _Opened(day, frozenset(re.findall(_CURRENCY, match["currencies"] or "")))
        self._journal.account_types[name] = TYPES[name.partition(":")[0]]
        self._journal.read_over["open"] += 1
        return True

    def _close(self, number: int, day: date, rest: str) -> bool:
        match = _CLOSE.fullmatch(rest)
        if match is not None and match["account"] in self._opened:
            self._opened[match["account"]].until = day
            self._journal.read_over["close"] += 1
        elif match is not None:
            self._fault(number, f"{match['account']} was never opened")
        return match is not None

    def _balance(self, number: int, day: date, rest: str) -> bool:
        match = _BALANCE.fullmatch(rest)
        if match is not None:
            amount = self._amount(number, match["amount"])
            self._journal.assertions.append(Assertion(number, day, match["account"], amount))
        return match is not None

    # --------------------------------------------------------------------------------------------- transactions
    def _begin(self, number: int, day: date, rest: str) -> bool:
        match = _HEADING.fullmatch(rest)
        texts = [text[1:-1].replace('\\"', '"') for text in (match["first"], match["second"]) if text] if match else []
        self._heading = Transaction(number, day, " | ".join(text for text in texts if text), ())
        return match is not None

    def _indented(self, number: int, text: str) -> None:
        if _METADATA.fullmatch(text):
            if self._heading is None and not self._after_directive:
                self._fault(number, "metadata of nothing")
            if self._commodity and (digits := _MINOR_DIGITS.fullmatch(text)):
                self._journal.minor_digits[self._commodity] = int(digits[1])
            return
        match = _POSTING.fullmatch(text)
        if self._heading is None or match is None:
            self._fault(number, "not everything in this line is understood")
            return
        if match["amount"] is None:
            if match["cost"] or match["at"]:
                self._fault(number, "a price or cost without an amount is not supported")
            self._postings.append(Posting(number, match["account"], None))
            return
        amount = self._amount(number, match["amount"])
        self._postings.append(Posting(number, match["account"], amount, self._weight(number, amount, match)))

    def _weight(self, number: int, amount: Amount, match: "re.Match[str]") -> Amount | None:
        """What counts in the balance: the cost where there is one, else the price."""
        if match["cost"]:
            return times(amount, self._amount(number, match["cost"]))
        if not match["at"]:
            return None
        price = self._amount(number, match["price"])
        return with_sign_of(amount, price) if match["at"] == "@@" else times(amount, price)

    def _amount(self, number: int, text: str) -> Amount:
        parts = _AMOUNT_PARTS.fullmatch(text)
        assert parts is not None  # the patterns above hold the same one
        try:
            value = number_of(parts["digits"], lone_comma_groups=True)
        except AmountError as error:
            self._fault(number, str(error))
            value = EXACT.create_decimal(0)
        return Amount(EXACT.minus(value) if parts["sign"] == "-" else value, parts["currency"])

    def _finish(self) -> None:
        self._after_directive, self._commodity = False, ""
        if self._heading is None:
            return
        heading, postings = self._heading, tuple(self._postings)
        self._heading, self._postings = None, []
        if not postings:
            self._fault(heading.line, "a transaction without postings")
        self._journal.transactions.append(Transaction(heading.line, heading.day, heading.description, postings))

    def _check_accounts(self) -> None:
        """As beancount does: an account takes postings between its opening and its close, in its currencies."""
        for transaction in self._journal.transactions:
            for posting in transaction.postings:
                opened = self._opened.get(posting.account)
                if opened is None or not opened.since <= transaction.day <= opened.until:
                    self._fault(posting.line, f"{posting.account} is not open on {transaction.day}")
                elif opened.currencies and posting.amount and posting.amount.commodity not in opened.currencies:
                    self._fault(posting.line, f"{posting.account} is not kept in {posting.amount.commodity}")

    def _fault(self, number: int, text: str) -> None:
        self._faults.append(Fault(number, text))
