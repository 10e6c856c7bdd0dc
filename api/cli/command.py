"""What every command has in common: `--json` before or after its name, and the state of one run."""

from dataclasses import dataclass, field
from typing import Annotated

import typer

from api.cli.output import Output


@dataclass(slots=True)
class State:
    """What the options before the command's name said."""

    output: Output = field(default_factory=Output)
    database: str | None = None


def state_of(context: typer.Context) -> State:
    """The state of this run."""
    state = context.find_root().obj
    assert isinstance(state, State)  # the entry point gives it
    return state


def ask_for_json(context: typer.Context, value: bool) -> bool:
    """`--json` may stand before or after the command's name."""
    if value:
        state_of(context).output.as_json = True
    return value


def group(name: str, help_text: str) -> typer.Typer:
    """A group of commands, such as `ledgerctl account …`."""
    return typer.Typer(name=name, help=help_text, no_args_is_help=True, rich_markup_mode=None)


Json = Annotated[bool, typer.Option("--json", callback=ask_for_json, is_eager=True, help="One JSON object on stdout.")]
Book = Annotated[str, typer.Option("--book", "-b", help="Code of the book.")]
OptionalReason = Annotated[str, typer.Option("--reason", help="Why.")]
RequestedBy = Annotated[str, typer.Option("--requested-by", help="Who asks for it; stands in the log for good.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the log for good.")]
