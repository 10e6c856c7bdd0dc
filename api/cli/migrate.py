"""`ledgerctl migrate`: brings a database to this release."""

import typer
from psycopg.conninfo import make_conninfo
from rich.console import Console

from api.cli.command import Json, state_of
from api.cli.stores import MAIN_DATABASE, stack_settings
from deploy.local.stack import ensure_database, resolve_postgres
from schemas.sql.runner import migrate as apply_migrations


def migrate(context: typer.Context, _json: Json = False) -> None:
    """Apply what is missing of the schema. Safe to repeat, and while others do the same."""
    state = state_of(context)
    settings = stack_settings()
    with resolve_postgres(settings) as server_dsn:
        dsn = server_dsn
        if state.database is not None:
            dsn = make_conninfo(server_dsn, dbname=state.database)
        elif settings.postgres_dsn is None:
            dsn = ensure_database(server_dsn, MAIN_DATABASE)
        applied = apply_migrations(dsn)

    def render(console: Console) -> None:
        for label in applied:
            console.print(f"applied {label}")
        console.print("the schema is up to date" if not applied else f"{len(applied)} migrations applied")

    state.output.data({"applied": applied}, render)
