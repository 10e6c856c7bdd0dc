"""What a person sees while the demo runs: bars on a terminal, a line a stage elsewhere, nothing beside JSON."""

import io

import pytest

from api.cli.demo import shown
from api.cli.output import Output
from api.cli.stack.watch import Progress

MOVES = "\x1b["
"""The beginning of what moves a terminal's cursor."""


class Stderr(io.StringIO):
    """A stream that is a terminal or is none."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture(autouse=True)
def _a_terminal_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def said(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, as_json: bool = False) -> str:
    stderr = Stderr(terminal=terminal)
    monkeypatch.setattr("sys.stderr", stderr)
    with shown(Output(as_json=as_json)) as hooks:
        hooks.stage("posting")
        hooks.progress(Progress(partitions=1, consumed=3, logged=5, relayed=2, projected=1, stopped=""), 10)
    return stderr.getvalue()


def test_on_a_terminal_a_bar_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    text = said(monkeypatch, terminal=True)
    assert MOVES in text
    assert "events posted (relayed 2, projected 1 of 5)" in text
    assert "3/10" in text


def test_elsewhere_each_stage_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch, terminal=False) == "posting …\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_beside_json_nothing_is_said(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    assert said(monkeypatch, terminal=terminal, as_json=True) == ""
