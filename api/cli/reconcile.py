"""`ledgerctl reconcile`: one scan, now."""

from typing import Annotated, Final

import typer
from rich.console import Console

from api.cli.command import Json, state_of
from api.cli.output import table
from api.cli.stores import Store, open_store
from ledger_core.store.connection import Role
from projections.reconciliation.scan import ScanResult, scan

BOOKS: Final = (
    "SELECT code, book_id FROM ledger.book_directory WHERE %(book)s::text IS NULL OR code = %(book)s ORDER BY code"
)


def reconcile(
    context: typer.Context,
    book: Annotated[str | None, typer.Option("--book", "-b", help="Only this book; every book if left out.")] = None,
    _json: Json = False,
) -> None:
    """Scan for differences now. Findings open, resolve and reopen; nothing is ever repaired."""
    state = state_of(context)
    with open_store(state.database, book=book, say=state.output.say) as store:
        results = scan_books(store, book)

    def render(console: Console) -> None:
        drawn = table("book", "open", "opened", "reopened", "changed", "resolved", right=("open", "opened"))
        for code, result in results.items():
            counts = (result.open_findings, result.opened, result.reopened, result.changed, result.resolved)
            drawn.add_row(code, *(f"{count:,}" for count in counts))
        console.print(drawn)

    state.output.data({"scans": results}, render)


def scan_books(store: Store, book: str | None = None) -> dict[str, ScanResult]:
    """Scans one book, or all, as the role that can only detect."""
    with store.connect(Role.RECONCILER) as connection:
        books = connection.execute(BOOKS, {"book": book}).fetchall()
        return {code: scan(connection, book_id) for code, book_id in books}
