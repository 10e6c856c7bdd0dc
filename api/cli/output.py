"""Data on stdout, words on stderr; tables for people, one JSON object for programs."""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.cli.errors import CliError
from projections.queries.amounts import Amount, Balance, Side

PIPE_WIDTH: Final = 250


@dataclass(slots=True)
class Output:
    """Where a command writes. `as_json` is set by `--json`, before or after the command's name."""

    as_json: bool = False

    @property
    def words(self) -> Console:
        """For words, warnings and progress."""
        return Console(stderr=True, soft_wrap=True, markup=False, emoji=False, highlight=False)

    @property
    def interactive(self) -> bool:
        """Whether a person is watching: only then do progress bars move."""
        return not self.as_json and sys.stderr.isatty()

    def say(self, text: str) -> None:
        """A line for the person at the terminal; in JSON mode nobody is."""
        if not self.as_json:
            self.words.print(Text(text))

    def data(self, value: object, render: Callable[[Console], None]) -> None:
        """The result: as one JSON object a line, or as `render` draws it."""
        if self.as_json:
            sys.stdout.write(to_json(value) + "\n")
            sys.stdout.flush()
        else:
            # Codes are data: `cash:bank:BRL` is no emoji. In a pipe no column is cut to the width of a terminal.
            width = None if sys.stdout.isatty() else PIPE_WIDTH
            render(Console(width=width, markup=False, emoji=False, highlight=False))

    def error(self, error: CliError) -> None:
        """An error in words, or as one JSON object; on stderr either way."""
        if self.as_json:
            problem = {"code": error.code, "message": error.message, "next": error.next_step, "exit": error.exit_code}
            sys.stderr.write(to_json({"error": problem}) + "\n")
            return
        line = Text.assemble((error.code, "bold red"), "  ", error.message)
        if error.next_step:
            line.append(f"\n→ {error.next_step}")
        self.words.print(line)


def to_json(value: object) -> str:
    """One line of JSON; amounts and times as on the wire of the API."""
    return orjson.dumps(wire(value)).decode()


def wire(value: object) -> Any:
    """Plain values: amounts as digit strings with currency and scale, times as RFC 3339 in UTC."""
    match value:
        case Balance():
            return {**wire(value.amount), "side": value.side.value}
        case Amount():
            return {"amount_minor": str(value.minor), "currency": value.currency, "scale": value.scale}
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Mapping():
            return {str(key): wire(inner) for key, inner in value.items()}
        case str() | int() | float() | None:
            return value
        case tuple() if names := getattr(value, "_fields", ()):
            return {name: wire(inner) for name, inner in zip(names, value, strict=True)}
        case Sequence():
            return [wire(inner) for inner in value]
    if is_dataclass(value):
        return {field.name: wire(getattr(value, field.name)) for field in fields(value)}
    return str(value)


def money(amount: Amount) -> str:
    """Digits with the currency's own decimals and thousands apart: `16,008,872.12`."""
    whole, cents = divmod(amount.minor, 10**amount.scale)
    return f"{whole:,}.{cents:0{amount.scale}}" if amount.scale else f"{whole:,}"


def balance_text(balance: Balance) -> str:
    """A balance with its side by name."""
    return money(balance.amount) if balance.side is Side.NONE else f"{money(balance.amount)} {balance.side.value}"


def moment(value: datetime | None) -> str:
    """A time to the second, in UTC."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if value else "–"


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """A table in the house style; columns named in `right` hold numbers."""
    drawn = Table(header_style="dim", pad_edge=False, box=None)
    for column in columns:
        drawn.add_column(column, justify="right" if column in right else "left", no_wrap=column in right)
    return drawn


def in_words(said: object) -> str:
    """What JSON says, for a person: lists and objects without their brackets."""
    if isinstance(said, dict):
        return ", ".join(f"{name}: {in_words(value)}" for name, value in said.items())
    if isinstance(said, list):
        return ", ".join(in_words(value) for value in said)
    return str(said)


def details(pairs: Mapping[str, object]) -> Table:
    """Names and values, one pair a line."""
    drawn = Table(show_header=False, box=None, pad_edge=False)
    drawn.add_column(style="dim")
    drawn.add_column()
    for name, value in pairs.items():
        drawn.add_row(name, Text(str(value)))
    return drawn


def program() -> str:
    """How this person can call us: by name, or by the path of this environment."""
    if shutil.which("ledgerctl") is not None:
        return "ledgerctl"
    path = Path(sys.executable).parent / "ledgerctl"
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
