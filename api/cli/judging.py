"""What `ledgerctl verify --against PROGRAM` does: another program adds up the books, and its balances are compared."""

from collections.abc import Iterable
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.console import Console
from rich.text import Text

from api.cli.errors import NotReady
from api.cli.output import balance_text, table
from api.cli.stores import Store
from consumers.settings import load_settings
from projections.exports.judges import JUDGES, Judgement, JudgeMissing, ask, find_programs
from projections.exports.vouchers import ExportFailed

SHOWN_DIFFERENCES: Final = 100
"""Drawn at most; the JSON has them all."""


class Program(StrEnum):
    """Who can be asked."""

    HLEDGER = "hledger"
    LEDGER = "ledger"
    BEANCOUNT = "beancount"


class JudgeSettings(BaseSettings):
    """Where the programs are, when they are not on PATH."""

    model_config = SettingsConfigDict(env_prefix="LEDGER_", env_ignore_empty=True, frozen=True)

    hledger: Path | None = None
    ledger: Path | None = None
    beancount: Path | None = None


def judges_at_hand(program: Program) -> list[Path]:
    """The program's files. Raises NotReady when it is not on this machine."""
    named: Path | None = getattr(load_settings(JudgeSettings), program.value)
    try:
        return find_programs(JUDGES[program.value], named)
    except JudgeMissing as error:
        advice = f"install it (Debian: apt install {program}), or name it by LEDGER_{program.upper()}"
        raise NotReady("JUDGE_MISSING", str(error), advice) from error


def judge_books(store: Store, program: Program, programs: list[Path], books: Iterable[str]) -> list[Judgement]:
    """What the program makes of each book, each as of a snapshot of its own."""
    judgements = []
    for book in books:
        with store.reading(book, statement_timeout_ms=0) as at:
            try:
                judgements.append(ask(at, JUDGES[program.value], programs))
            except ExportFailed as error:
                judgements.append(Judgement(program.value, book, at.position, 0, 0, refusal=str(error)))
    return judgements


def as_data(judgement: Judgement) -> dict[str, object]:
    """With its verdict, which a program would else have to work out."""
    return {"ok": judgement.ok, **{field.name: getattr(judgement, field.name) for field in fields(judgement)}}


def draw_judgements(console: Console, judgements: Iterable[Judgement]) -> None:
    """A line per book, then a line per account on which they do not agree."""
    for judgement in judgements:
        if judgement.ok:
            agreed = f"{judgement.accounts:,} balances of {judgement.vouchers:,} vouchers"
            console.print(Text(f"{judgement.judge} agrees on book {judgement.book}: {agreed}", style="green"))
            continue
        console.print(Text(f"{judgement.judge} does not agree on book {judgement.book}", style="bold red"))
        if judgement.refusal:
            console.print(Text(judgement.refusal, style="red"))
            continue
        drawn = table("account", "currency", "ours", "theirs", right=("ours", "theirs"))
        for each in judgement.differences[:SHOWN_DIFFERENCES]:
            drawn.add_row(each.account, each.ours.amount.currency, balance_text(each.ours), balance_text(each.theirs))
        console.print(drawn)
        more = len(judgement.differences) - SHOWN_DIFFERENCES
        if more > 0:
            console.print(Text(f"and {more:,} more", style="dim"))
