"""`ledgerctl rates`: the exchange rates that a book was told, the latest of each pair, and which of them are stale."""

from datetime import timedelta

import typer
from rich.console import Console

from api.cli.command import Book, Json, state_of
from api.cli.output import moment, table
from api.cli.read_models import Behind, reading
from projections.queries import rates as queries
from projections.queries.rates import Rates
from projections.queries.snapshot import Reads


def rates(context: typer.Context, book: Book, _json: Json = False) -> None:
    """List the latest exchange rate of each pair, by its own time and as far as the read model has come."""
    with reading(context, book, Reads.RATES) as (at, behind):
        found = queries.rates(at)
    said = {
        "book": book, **behind.facts, "newest_effective_at": found.newest_effective_at,
        "max_age_minutes": found.max_age_minutes, "rates": found.rates,
    }  # fmt: skip
    state_of(context).output.data(said, lambda console: _draw(console, found, behind))


def _draw(console: Console, found: Rates, behind: Behind) -> None:
    drawn = table("pair", "rate", "provider", "published", "age", "", right=("rate", "age"))
    for one in found.rates:
        age = str(timedelta(seconds=one.age_seconds))
        stale = "stale" if one.stale else ""
        drawn.add_row(f"{one.base}/{one.counter}", one.rate, one.provider, moment(one.published_at), age, stale)
    console.print(drawn)
    behind.draw(console)
