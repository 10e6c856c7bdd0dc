"""`ledgerctl asset`: what money is counted in, beyond the currencies of ISO 4217."""

from typing import Annotated

import typer
from rich.console import Console

from api.cli.command import Json, Reason, group, state_of
from api.cli.errors import CliError
from api.cli.output import table
from api.cli.stores import open_store
from ledger_core.operations.assets import add_asset
from ledger_core.store.connection import Role
from projections.queries import assets as asset_queries

app = group("asset", "Add and list assets: currencies, crypto, points.")


@app.command()
def add(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="2 to 12 upper-case letters and digits, a letter first.")],
    scale: Annotated[int, typer.Option(help="Number of decimals, 0 to 9; it never changes.")],
    name: Annotated[str, typer.Option(help="What it is, for people.")],
    reason: Reason,
    _json: Json = False,
) -> None:
    """Add an asset. Running processes know it as soon as an event names it."""
    state = state_of(context)
    if not reason.strip():
        raise CliError("REASON_MISSING", "the reason is empty", "say why, with --reason")
    with (
        open_store(state.database, say=state.output.say) as store,
        store.connect(Role.POSTER) as connection,
        connection.transaction(),
    ):
        asset = add_asset(connection, code, scale=scale, name=name, reason=reason)
    state.output.data(
        {"asset": asset, "reason": reason},
        lambda console: console.print(f"added asset {asset.code} with {asset.scale} decimals"),
    )


@app.command(name="list")
def list_assets(
    context: typer.Context,
    added: Annotated[bool, typer.Option("--added", help="Only those that ISO 4217 does not list.")] = False,
    _json: Json = False,
) -> None:
    """List the assets, in the order of their codes."""
    state = state_of(context)
    with open_store(state.database, say=state.output.say) as store, store.pool() as pool:
        found = [asset for asset in asset_queries.assets(pool) if not added or not asset.is_iso_4217]

    def render(console: Console) -> None:
        drawn = table("asset", "decimals", "name", "", right=("decimals",))
        for asset in found:
            drawn.add_row(asset.code, str(asset.scale), asset.name, "ISO 4217" if asset.is_iso_4217 else "")
        console.print(drawn)

    state.output.data({"assets": found}, render)
