"""`ledgerctl hold`: show holds, and let those expire whose time has come."""

from typing import Annotated

import typer
from rich.console import Console

from api.cli.command import Book, Json, group, state_of
from api.cli.output import details, moment, money, table
from api.cli.stores import open_store
from ledger_core.domain.holds import HoldStatus
from ledger_core.store.connection import Role
from ledger_core.store.hold_expiry import expire_due
from projections.queries import holds as hold_queries
from projections.queries.holds import Hold

app = group("hold", "Show holds, and let them expire.")
HoldId = Annotated[str, typer.Argument(help="Id of the hold.")]


@app.command(name="list")
def list_holds(
    context: typer.Context,
    book: Book,
    account: Annotated[str | None, typer.Option(help="Only holds of this account.")] = None,
    status: Annotated[HoldStatus | None, typer.Option(help="Only holds in this status.")] = None,
    after: Annotated[str, typer.Option(help="Start after this id.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most this many rows.")] = 100,
    _json: Json = False,
) -> None:
    """List holds in the order of their ids."""
    state = state_of(context)
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        store.reading(book) as at,
    ):
        found = hold_queries.holds(at, account=account, status=status, after=after, limit=limit)
        position = at.position

    def render(console: Console) -> None:
        drawn = table(
            "hold", "account", "status", "amount", "captured", "held", "", "expires",
            right=("amount", "captured", "held"),
        )  # fmt: skip
        for hold in found:
            drawn.add_row(
                hold.hold_id, hold.account, hold.status.value, money(hold.amount), money(hold.captured),
                money(hold.held), hold.amount.currency, moment(hold.expires_at) if hold.expires_at else "never",
            )  # fmt: skip
        console.print(drawn)

    state.output.data({"book": book, "position": position, "holds": found}, render)


@app.command()
def show(context: typer.Context, hold_id: HoldId, book: Book, _json: Json = False) -> None:
    """Show one hold."""
    state = state_of(context)
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        store.reading(book) as at,
    ):
        hold = hold_queries.hold(at, hold_id)
        position = at.position
    state.output.data(
        {"book": book, "position": position, "hold": hold}, lambda console: console.print(details(_facts(hold)))
    )


@app.command()
def expire(context: typer.Context, _json: Json = False) -> None:
    """Let holds expire whose time has come, in every book; the stack does it by itself every second."""
    state = state_of(context)
    with open_store(state.database, say=state.output.say) as store, store.connect(Role.POSTER) as connection:
        connection.autocommit = True
        expired = expire_due(connection)

    def render(console: Console) -> None:
        for book, holds in sorted(expired.items()):
            console.print(f"{book}: {holds} expired")
        if not expired:
            console.print("nothing is due")

    state.output.data({"expired": expired}, render)


def _facts(hold: Hold) -> dict[str, object]:
    currency = hold.amount.currency
    return {
        "hold": hold.hold_id, "account": hold.account, "status": hold.status.value, "side": hold.side.value,
        "amount": f"{money(hold.amount)} {currency}", "captured": f"{money(hold.captured)} {currency}",
        "released": f"{money(hold.released)} {currency}", "held": f"{money(hold.held)} {currency}",
        "tolerance": f"{hold.capture_tolerance_bps} basis points",
        "expires": moment(hold.expires_at) if hold.expires_at else "never",
        "placed at": hold.placed_position, "closed at": hold.closed_position or "–",
    }  # fmt: skip
