"""`ledgerctl projector rebuild`: builds read models anew from the store, beside the ones in use."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from api.cli.command import Book, Json, group, state_of
from api.cli.errors import EXIT_FOUND_PROBLEMS
from api.cli.output import table
from api.cli.stores import Store, open_store
from api.cli.verify import shown_progress
from consumers.process import tune_collector
from ledger_core.store.connection import Role, connect
from projections.day_rollups import table as day_rollups
from projections.rebuild import rebuild as rebuild_projection
from projections.registry import PROJECTIONS

app = group("projector", "Look after the read models.")
NAMES = (*(projection.name for projection in PROJECTIONS), day_rollups.NAME)
FIND_BOOK = "SELECT book_id FROM ledger.book_directory WHERE code = %s"


@app.callback()
def projector() -> None:
    """Look after the read models."""


@app.command()
def rebuild(
    context: typer.Context,
    book: Book,
    projection: Annotated[str | None, typer.Option(help=f"One of {', '.join(NAMES)}; all if left out.")] = None,
    _json: Json = False,
) -> None:
    """Build read models anew from the log and switch to them; reads go on. Exit 3 when the old rows were wrong."""
    state = state_of(context)
    if projection is not None and projection not in NAMES:
        raise typer.BadParameter(f"{projection!r} is none of {', '.join(NAMES)}", param_hint="--projection")
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        shown_progress(state.output, "rebuilding") as progress,
    ):
        book_id = _book_id(store, book)
        tune_collector()
        done = [
            rebuild_projection(lambda: connect(store.dsn, Role.PROJECTOR), book_id, chosen, progress=progress)
            for chosen in PROJECTIONS
            if projection in {None, chosen.name}
        ]
        if projection in {None, day_rollups.NAME}:
            with store.connect(Role.PROJECTOR) as connection:
                done.append(day_rollups.rebuild(connection, book_id))

    def render(console: Console) -> None:
        drawn = table("projection", "version", "position", "rows", "", right=("version", "position", "rows"))
        for one in done:
            verdict = Text("same as before", style="green") if one.same else Text("DIFFERED", style="bold red")
            drawn.add_row(one.projection, str(one.version), f"{one.position:,}", f"{one.after.rows:,}", verdict)
        console.print(drawn)

    rebuilt = [
        {
            "projection": one.projection,
            "version": one.version,
            "position": one.position,
            "rows": one.after.rows,
            "same": one.same,
        }
        for one in done
    ]
    state.output.data({"book": book, "rebuilt": rebuilt}, render)
    if not all(one.same for one in done):
        raise typer.Exit(EXIT_FOUND_PROBLEMS)


def _book_id(store: Store, book: str) -> int:
    with store.connect(Role.PROJECTOR) as connection:
        return int(connection.execute(FIND_BOOK, (book,)).fetchall()[0][0])
