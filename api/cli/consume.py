"""`ledgerctl consume`: runs one process of the pipeline, or all of them in one."""

import os
from enum import StrEnum
from typing import Annotated

import typer

from api.cli.command import Json
from api.cli.stores import main_database_dsn, open_server
from consumers.bootstrap import run_process


class Process(StrEnum):
    """What there is to run."""

    PAYMENTS = "payments"
    RELAY = "relay"
    PROJECTOR = "projector"
    RECONCILER = "reconciler"
    WEBHOOKS = "webhooks"
    EXPIRY = "expiry"
    SIGNER = "signer"
    MERCHANTS = "merchants"
    ALL = "all"


def consume(
    process: Annotated[Process, typer.Argument(help="Which process.")] = Process.ALL,
    _json: Json = False,
) -> None:
    """Run one process of the pipeline, or all of them in one, until told to stop."""
    if os.environ.get("LEDGER_POSTGRES_DSN"):
        raise typer.Exit(run_process(process.value))
    with open_server() as (server_dsn, _):
        # The local server is our own, and so is its one login.
        os.environ["LEDGER_POSTGRES_DSN"] = main_database_dsn(server_dsn, local=True)
        os.environ.setdefault("LEDGER_ALLOW_OWNER_LOGIN", "true")
        code = run_process(process.value)
    raise typer.Exit(code)
