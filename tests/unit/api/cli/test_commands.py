"""The tree of commands as a whole: what each of them must be."""

import inspect
from collections.abc import Callable, Iterator

import pytest
import typer
from typer.models import CommandInfo

from api.cli.main import app
from tests.support.command_line import ledgerctl


def commands(
    parent: typer.Typer = app, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Callable[..., object]]]:
    """Every command with its path, in the order of the help."""
    for command in parent.registered_commands:
        yield (*path, name_of(command)), callback_of(command)
    for group in parent.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance, (*path, str(group.typer_instance.info.name)))


def callback_of(command: CommandInfo) -> Callable[..., object]:
    assert command.callback is not None
    return command.callback


def name_of(command: CommandInfo) -> str:
    return command.name or callback_of(command).__name__.replace("_", "-")


COMMANDS = list(commands())
PROMISED = {
    ("demo",), ("up",), ("ingest",), ("migrate",), ("doctor",), ("verify",), ("explain",), ("export",), ("void",),
    ("reconcile",), ("lag",),
    ("trial-balance",), ("balance",),
    ("findings",), ("parked",), ("rates",), ("consume",), ("asset", "add"), ("asset", "list"),
    ("import", "opening"), ("import", "journal"),
    ("book", "create"), ("book", "list"), ("chart", "apply"), ("chart", "diff"), ("chart", "show"),
    ("chart", "list"), ("chart", "print"),
    ("voucher", "show"),
    ("payment", "list"), ("payment", "show"), ("payment", "timeline"),
    ("refund", "list"), ("refund", "show"), ("payout", "list"), ("payout", "show"),
    ("fee", "list"), ("fee", "show"),
    ("beneficiary", "list"), ("beneficiary", "show"), ("transfer", "list"), ("transfer", "show"),
    ("profile", "list"), ("profile", "show"),
    ("payment", "retry-check"), ("account", "open"),
    ("account", "freeze"), ("account", "unfreeze"), ("account", "close"), ("account", "limit"),
    ("account", "show"), ("account", "tree"), ("account", "list"),
    ("account", "statement"),
    ("hold", "list"), ("hold", "show"), ("hold", "expire"),
    ("period", "close"), ("period", "reopen"), ("period", "list"), ("period", "show"),
    ("event", "show"), ("event", "validate"), ("projector", "rebuild"),
    ("checkpoint", "keygen"), ("checkpoint", "sign"), ("checkpoint", "show"), ("checkpoint", "verify"),
    ("proof", "create"), ("proof", "check"),
    ("webhook", "list"), ("webhook", "show"), ("webhook", "replay"),
    ("webhook", "forget"),
}  # fmt: skip


def test_every_promised_command_is_there() -> None:
    assert {path for path, _ in COMMANDS} == PROMISED


@pytest.mark.parametrize(("path", "callback"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])
def test_no_command_is_a_coroutine_which_would_exit_0_and_never_run(
    path: tuple[str, ...], callback: Callable[..., object]
) -> None:
    assert not inspect.iscoroutinefunction(callback), path
    assert not inspect.isasyncgenfunction(callback), path


@pytest.mark.parametrize("path", [path for path, _ in COMMANDS], ids=" ".join)
def test_every_command_explains_itself_and_takes_json(path: tuple[str, ...]) -> None:
    ended = ledgerctl(*path, "--help")
    assert ended.code == 0
    assert "--json" in ended.out
    assert "Usage: " in ended.out


def test_a_command_that_does_not_exist_is_a_usage_error() -> None:
    ended = ledgerctl("post-money")
    assert ended.code == 2
    assert ended.out == ""
    assert "post-money" in ended.err


def test_the_help_names_the_exit_codes() -> None:
    assert "3 checked and found problems" in " ".join(ledgerctl("--help").out.split())


@pytest.mark.parametrize("what", ["payment", "refund", "payout", "fee", "transfer"])
def test_a_state_that_there_is_none_of_is_a_usage_error(what: str) -> None:
    ended = ledgerctl(what, "list", "--book", "shop", "--state", "NOWHERE")
    assert (ended.code, ended.out) == (2, "")
    assert "'FAILED'" in ended.err
