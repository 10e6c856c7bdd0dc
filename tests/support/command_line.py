"""Runs `ledgerctl` as its entry point does, inside this process, and keeps what it wrote and how it ended."""

import io
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import orjson

from api.cli.main import main


@dataclass(frozen=True, slots=True)
class Ended:
    """One run: its exit code, data on stdout, words on stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        return orjson.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The objects on stdout, one a line."""
        return [orjson.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> Any:
        """The error object on stderr."""
        return orjson.loads(self.err.splitlines()[-1])["error"]


def ledgerctl(*arguments: str) -> Ended:
    """One command. Its environment is this process's own."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    on_sigterm = signal.getsignal(signal.SIGTERM)
    with patch.object(sys, "argv", ["ledgerctl", *arguments]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        finally:
            signal.signal(signal.SIGTERM, on_sigterm)
    assert isinstance(code, int), f"ended with {code!r}"
    return Ended(code, out.getvalue(), err.getvalue())
