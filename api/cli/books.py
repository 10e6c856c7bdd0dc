"""`ledgerctl book`: create and list books."""

import re
from typing import Annotated

import typer
from rich.console import Console

from api.cli.command import Json, OptionalReason, group, state_of
from api.cli.errors import CliError
from api.cli.healing import heal
from api.cli.output import moment, table
from api.cli.stores import open_store
from ledger_core.domain.incoming import SYSTEM_BOOK
from ledger_core.store.books import BookExistsError, create_book
from ledger_core.store.connection import Role
from projections.queries import books as book_queries
from projections.queries.books import Book
from schemas.charts import MARKETPLACE, read_chart

app = group("book", "Create and list books.")
PAGE = 1_000
CODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
Chart = Annotated[
    str, typer.Option("--chart", metavar="NAME|FILE", help="Chart of accounts: see `chart list`, or a file (JSON).")
]


@app.command()
def create(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="Lower-case letters, digits, and . _ - inside.")],
    reason: OptionalReason = "",
    chart: Chart = MARKETPLACE,
    _json: Json = False,
) -> None:
    """Create a book: a self-balancing set of accounts, with its chart."""
    state = state_of(context)
    if not CODE.fullmatch(code):
        advice = "lower-case letters, digits, and . _ - after the first, at most 63"
        raise CliError("BOOK_CODE_INVALID", f"{code!r} is no code of a book", advice)
    document = chosen_chart(chart)
    with open_store(state.database, say=state.output.say) as store, store.connect(Role.POSTER) as connection:
        try:
            with connection.transaction():
                book_id = create_book(connection, code, document)
        except BookExistsError:
            heal(store, SYSTEM_BOOK, f"book:{code}")  # what a creation that was cut short left waiting
            raise
        except ValueError as error:
            raise CliError("CHART_INVALID", str(error), "see docs/reference/charts.md") from error
        healed = heal(store, SYSTEM_BOOK, f"book:{code}")
        created = {"code": code, "book_id": book_id, "database": store.database, "reason": reason, "healed": healed}
    state.output.data(created, lambda console: console.print(f"created book {code}"))
    if healed:
        state.output.say(f"{healed} events that waited for the book are decided: ledgerctl book list")


@app.command(name="list")
def list_books(context: typer.Context, _json: Json = False) -> None:
    """List the books, and how far each has come."""
    state = state_of(context)
    with open_store(state.database, say=state.output.say) as store, store.pool() as pool:
        found: list[Book] = []
        while page := book_queries.books(pool, after=found[-1].code if found else "", limit=PAGE):
            found += page

    def render(console: Console) -> None:
        drawn = table("book", "position", "vouchers", "recorded", "posting", right=("position", "vouchers"))
        for book in found:
            row = (book.code, f"{book.position:,}", f"{book.voucher_no:,}", moment(book.recorded_at), book.posting_mode)
            drawn.add_row(*row)
        console.print(drawn)

    state.output.data({"books": found}, render)


def chosen_chart(chosen: str) -> dict[str, object]:
    """A chart of accounts, by its name or as a file. Raises `CliError` for what is neither."""
    try:
        return read_chart(chosen)
    except ValueError as error:
        advice = "choose one of `ledgerctl chart list`, or write a file as docs/reference/charts.md says"
        raise CliError("CHART_INVALID", str(error), advice) from error
