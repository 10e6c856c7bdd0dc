"""Judges: programs that are not ours add up the book, and every balance is compared with that of our heads.

The journal comes from the vouchers in the log, our balances come from the heads that postings lock: what the
judge confirms is that one follows from the other, by arithmetic that shares no line with ours.
"""

import csv
import io
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, LiteralString

from projections.exports.journals import JOURNALS, Journal, journal_of
from projections.queries.amounts import Balance, balance_of
from projections.queries.assets import scales
from projections.queries.snapshot import Snapshot

Amounts = dict[str, dict[str, int]]
"""Debits less credits in minor units, by account and currency; what is zero is left out."""

HEADS: Final[LiteralString] = """
SELECT account.code, asset.code, head.debits_posted - head.credits_posted
FROM ledger.account_head AS head
JOIN ledger.account ON account.book_id = head.book_id AND account.account_id = head.account_id
JOIN ledger.asset ON asset.asset_id = head.asset_id
WHERE head.book_id = %(book_id)s AND head.debits_posted <> head.credits_posted
"""
AMOUNT: Final = re.compile(r'(-?[0-9]+)\.? "?([A-Z][A-Z0-9]*)"?')
LONGEST_COMPLAINT: Final = 500


class JudgeMissing(Exception):
    """The program is not on this machine."""

    def __init__(self, program: str) -> None:
        super().__init__(f"there is no {program} on this machine")
        self.program = program


class JudgeRefused(Exception):
    """The program would not read the book, or said what we can't read; the message is its own."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An account on which the two do not agree, and what each says its balance is."""

    account: str
    ours: Balance
    theirs: Balance


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge makes of one book. `refusal` is what it said when it would not read it."""

    judge: str
    book: str
    position: int
    vouchers: int
    accounts: int
    refusal: str = ""
    differences: list[Difference] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.refusal and not self.differences


@dataclass(frozen=True, slots=True)
class Judge:
    """A program. `programs` are what it takes on the machine, `balances` reads a journal file with them."""

    journal: Journal
    programs: tuple[str, ...]
    balances: Callable[[Sequence[Path], Path], Amounts]


def find_programs(judge: Judge, folder_or_program: Path | None = None) -> list[Path]:
    """Where the judge's programs are: on PATH, or beside the one named. Raises JudgeMissing."""
    if folder_or_program is not None and folder_or_program.is_file():
        if len(judge.programs) == 1:
            return [folder_or_program]
        folder_or_program = folder_or_program.parent
    places = None if folder_or_program is None else str(folder_or_program)
    found = [shutil.which(program, path=places) for program in judge.programs]
    for program, place in zip(judge.programs, found, strict=True):
        if place is None:
            raise JudgeMissing(program)
    return [Path(place) for place in found if place is not None]


def ask(
    at: Snapshot,
    judge: Judge,
    programs: Sequence[Path],
    *,
    progress: Callable[[int], None] = lambda _position: None,
) -> Judgement:
    """What the judge makes of the book as it is in this snapshot. Raises ExportFailed."""
    ours = heads(at)
    vouchers = 0

    def count(position: int) -> None:
        nonlocal vouchers
        vouchers += 1
        progress(position)

    refusal, theirs = "", Amounts()
    with tempfile.TemporaryDirectory(prefix="ledger-judge-") as folder:
        file = Path(folder) / f"book.{judge.journal.format}"
        with file.open("w", encoding="utf-8", newline="\n") as journal:
            journal.writelines(journal_of(at, judge.journal, progress=count))
        try:
            theirs = judge.balances(programs, file)
        except JudgeRefused as error:
            refusal = str(error)
    decoded = {judge.journal.code_of(name): amounts for name, amounts in theirs.items()}
    return Judgement(
        judge=judge.journal.format,
        book=at.book,
        position=at.position,
        vouchers=vouchers,
        accounts=len(ours.keys() | decoded.keys()),
        refusal=refusal,
        differences=[] if refusal else differences(ours, decoded, scales(at)),
    )


def heads(at: Snapshot) -> Amounts:
    """Our balances that are not zero, exact in this snapshot."""
    rows = at.connection.execute(HEADS, {"book_id": at.book_id}, binary=True).fetchall()
    return {account: {currency: int(balance_minor)} for account, currency, balance_minor in rows}


def differences(ours: Amounts, theirs: Amounts, digits: Mapping[str, int]) -> list[Difference]:
    """Each account and currency on which they do not agree, in the order of the codes."""
    keys = {(account, currency) for each in (ours, theirs) for account in each for currency in each[account]}
    return [
        Difference(account, *(balance_of(minor, currency, digits.get(currency, 0)) for minor in (mine, other)))
        for account, currency in sorted(keys)
        if (mine := _minor(ours, account, currency)) != (other := _minor(theirs, account, currency))
    ]


def _minor(amounts: Amounts, account: str, currency: str) -> int:
    return amounts.get(account, {}).get(currency, 0)


# ------------------------------------------------------------------------------------------------------ the programs
def _hledger(programs: Sequence[Path], file: Path) -> Amounts:
    (hledger,) = programs
    said = _run(file, hledger, "-f", file, "balance", "--flat", "--empty", "--no-total", "--output-format=csv")
    return {row[0]: _amounts(", ".join(row[1:])) for row in list(csv.reader(io.StringIO(said)))[1:]}


def _ledger(programs: Sequence[Path], file: Path) -> Amounts:
    (ledger,) = programs
    # One account a line, a line more for each further currency. Not `display_total`, which has what lies below, too.
    layout = "%(account)\t%(amount)\n"
    options = ("--flat", "--empty", "--no-total", "--balance-format", layout)
    said = _run(file, ledger, "--args-only", "--pedantic", "-f", file, "balance", *options)
    found: Amounts = {}
    account = ""
    for line in said.splitlines():
        name, tab, amount = line.rpartition("\t")
        account = name if tab else account
        found.setdefault(account, {}).update(_amounts(amount))
    return found


def _beancount(programs: Sequence[Path], file: Path) -> Amounts:
    check, query = programs
    _run(file, check, file)
    wanted = "SELECT account, currency, sum(number) AS balance GROUP BY account, currency"
    said = _run(file, query, "--format=csv", "--no-errors", file, wanted)
    found: Amounts = {}
    for account, currency, balance in list(csv.reader(io.StringIO(said)))[1:]:
        found.setdefault(account.strip(), {}).update(_amounts(f"{balance.strip()} {currency.strip()}"))
    return found


def _run(file: Path, *command: str | Path) -> str:
    """What a program says, with none of our environment: ledger takes every variable LEDGER_… for an option."""
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": str(file.parent)}
    ended = subprocess.run(
        [str(part) for part in command], capture_output=True, check=False, env=environment, cwd=file.parent,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if ended.returncode:
        complaint = (ended.stderr or ended.stdout).decode("utf-8", "replace").strip()
        raise JudgeRefused(complaint.replace(f"{file}", file.name)[:LONGEST_COMPLAINT] or f"exit {ended.returncode}")
    return ended.stdout.decode("utf-8", "replace")


def _amounts(text: str) -> dict[str, int]:
    """`-10000 BRL`, several of them with a comma between, or a bare 0."""
    amounts: dict[str, int] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        if part == "0":
            continue
        found = AMOUNT.fullmatch(part)
        if found is None:
            message = f"it answers {part!r}, which is no amount of minor units"
            raise JudgeRefused(message)
        amounts[found[2]] = int(found[1])
    return {currency: minor for currency, minor in amounts.items() if minor}


JUDGES: Final[Mapping[str, Judge]] = {
    "hledger": Judge(JOURNALS["hledger"], ("hledger",), _hledger),
    "ledger": Judge(JOURNALS["ledger"], ("ledger",), _ledger),
    "beancount": Judge(JOURNALS["beancount"], ("bean-check", "bean-query"), _beancount),
}
"""Every judge by its name."""
