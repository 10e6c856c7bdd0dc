"""`ledgerctl profile`: whether beneficiaries may be paid out, and to where."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from api.cli.command import Book, Json, group, state_of
from api.cli.output import details, table
from api.cli.read_models import Limit
from api.cli.stores import open_store
from projections.queries import profiles as queries
from projections.queries.profiles import SettlementProfile

app = group("profile", "Show settlement profiles.")


@app.command(name="list")
def list_profiles(
    context: typer.Context,
    book: Book,
    status: Annotated[str | None, typer.Option(help="Only VERIFIED, PENDING, REJECTED or SUSPENDED ones.")] = None,
    after: Annotated[str, typer.Option(help="Start after this beneficiary.")] = "",
    limit: Limit = 100,
    _json: Json = False,
) -> None:
    """List settlement profiles in the order of their beneficiaries, as they were told last."""
    state = state_of(context)
    with open_store(state.database, book=book, say=state.output.say) as store, store.reading(book) as at:
        found = queries.profiles(at, status=status, after=after, limit=limit)
    state.output.data({"book": book, "profiles": found}, lambda console: _draw_list(console, found))


@app.command()
def show(
    context: typer.Context,
    beneficiary: Annotated[str, typer.Argument(help="Code of the beneficiary's account.")],
    book: Book,
    _json: Json = False,
) -> None:
    """Show whether one beneficiary may be paid out, by which rails and to which account."""
    state = state_of(context)
    with open_store(state.database, book=book, say=state.output.say) as store, store.reading(book) as at:
        found = queries.profile(at, beneficiary)
    state.output.data({"book": book, "profile": found}, lambda console: console.print(details(_facts(found))))


def _facts(one: SettlementProfile) -> dict[str, object]:
    return {
        "beneficiary": one.beneficiary, "status": one.status, "rails": ", ".join(one.rails), "bank account": _ref(one),
        "told": f"{one.revision} times" if one.revision > 1 else "once",
    }  # fmt: skip


def _ref(one: SettlementProfile) -> str:
    return ", ".join(f"{name} {value}" for name, value in one.bank_account_ref.items())


def _draw_list(console: Console, found: Sequence[SettlementProfile]) -> None:
    drawn = table("beneficiary", "status", "rails", "bank account")
    for one in found:
        drawn.add_row(one.beneficiary, one.status, ", ".join(one.rails), _ref(one))
    console.print(drawn)
