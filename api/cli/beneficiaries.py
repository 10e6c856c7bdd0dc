"""`ledgerctl beneficiary`: what each earned, what the platform kept of it, what went back or was paid out."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from api.cli.command import Book, Json, group, state_of
from api.cli.output import balance_text, details, moment, table
from api.cli.read_models import Behind, Limit, reading
from projections.queries import beneficiaries as queries
from projections.queries.beneficiaries import Beneficiary
from projections.queries.snapshot import Reads

app = group("beneficiary", "Show what payments brought to whom.")
NUMBERS = ("earned", "commission", "refunded", "disputed", "fees", "paid_out", "available")


@app.command(name="list")
def list_beneficiaries(
    context: typer.Context,
    book: Book,
    after: Annotated[str, typer.Option(help="Start after this account.")] = "",
    limit: Limit = 100,
    _json: Json = False,
) -> None:
    """List beneficiaries in the order of their accounts, as far as the read model has come."""
    with reading(context, book, Reads.BENEFICIARIES) as (at, behind):
        found = queries.beneficiaries(at, after=after, limit=limit)
    state_of(context).output.data(
        {"book": book, **behind.facts, "beneficiaries": found}, lambda console: _draw_list(console, found, behind)
    )


@app.command()
def show(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="Code of the account.")],
    book: Book,
    _json: Json = False,
) -> None:
    """Show one beneficiary."""
    with reading(context, book, Reads.BENEFICIARIES) as (at, behind):
        found = queries.beneficiary(at, account)
    state_of(context).output.data(
        {"book": book, **behind.facts, "beneficiary": found}, lambda console: _draw(console, found, behind)
    )


def _draw_list(console: Console, found: Sequence[Beneficiary], behind: Behind) -> None:
    names = [name.replace("_", " ") for name in NUMBERS]
    drawn = table("account", *names, "", right=names)
    for one in found:
        amounts = [balance_text(getattr(one, name)) for name in NUMBERS]
        drawn.add_row(one.account, *amounts, one.earned.amount.currency)
    console.print(drawn)
    behind.draw(console)


def _draw(console: Console, one: Beneficiary, behind: Behind) -> None:
    currency = one.earned.amount.currency
    amounts = {name.replace("_", " "): f"{balance_text(getattr(one, name))} {currency}" for name in NUMBERS}
    facts = {"account": one.account, **amounts, "vouchers": one.vouchers, "last": moment(one.last_effective_at)}
    console.print(details(facts))
    behind.draw(console)
