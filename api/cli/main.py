"""Entry point of `ledgerctl`: the tree of commands, and how errors leave the process."""

import logging
import os
import signal
import sys
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from api.cli import (
    accounts,
    assets,
    balance,
    beneficiaries,
    books,
    charts,
    checkpoints,
    consume,
    demo,
    doctor,
    events,
    explain,
    export,
    findings,
    holds,
    imports,
    ingest,
    lag,
    migrate,
    parked,
    parts,
    payments,
    periods,
    profiles,
    projector,
    proof,
    rates,
    reconcile,
    transfers,
    trial_balance,
    up,
    verify,
    voids,
    vouchers,
    webhooks,
)
from api.cli.command import State, ask_for_json, state_of
from api.cli.errors import EXIT_FAILED, known_error, unexpected_error

app = typer.Typer(
    name="ledgerctl",
    help="An event-sourced double-entry ledger. Data go to stdout, words to stderr.",
    epilog="Exit codes: 0 done, 1 refused or failed, 2 not understood, 3 checked and found problems, 5 not ready.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
app.command()(up.up)
app.command()(ingest.ingest)
app.command()(migrate.migrate)
app.command()(doctor.doctor)
app.command()(verify.verify)
app.command()(explain.explain)
app.command()(voids.void)
app.command()(export.export)
app.command()(reconcile.reconcile)
app.command()(lag.lag)
app.command()(balance.balance)
app.command(name="trial-balance")(trial_balance.trial_balance)
app.command()(findings.findings)
app.command()(parked.parked)
app.command()(rates.rates)
app.command()(consume.consume)
for commands in (
    books.app,
    charts.app,
    assets.app,
    imports.app,
    accounts.app,
    vouchers.app,
    payments.app,
    parts.refunds,
    parts.payouts,
    parts.fees,
    transfers.app,
    beneficiaries.app,
    profiles.app,
    holds.app,
    events.app,
    periods.app,
    projector.app,
    checkpoints.app,
    proof.app,
    webhooks.app,
):
    app.add_typer(commands)


def _version(value: bool) -> None:
    if value:
        print(version_of("ledger-engine"))
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    _json: Annotated[bool, typer.Option("--json", callback=ask_for_json, help="One JSON object on stdout.")] = False,
    database: Annotated[
        str | None, typer.Option(envvar="LEDGER_DATABASE", help="Database of the server, instead of the usual one.")
    ] = None,
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """An event-sourced double-entry ledger. Data go to stdout, words to stderr."""
    state_of(context).database = database


def main() -> None:
    """Runs one command. Whatever goes wrong ends in a code, a sentence and an exit code, never in a trace."""
    # They log each failed attempt; the command says it once.
    for chatty in ("psycopg.pool", "aiokafka"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    state = State()
    # SIGTERM ends a command as Ctrl-C does: what it started is stopped first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app(obj=state, prog_name="ledgerctl")
    except Exception as error:
        known = known_error(error)
        if known is None:
            if os.environ.get("LEDGER_DEBUG") == "1":
                raise
            known = unexpected_error(error)
        state.output.error(known)
        sys.exit(known.exit_code)
    except KeyboardInterrupt:
        state.output.say("stopped")
        sys.exit(EXIT_FAILED)
