"""`ledgerctl findings`: what reconciliation found."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from api.cli.command import Book, Json, state_of
from api.cli.output import balance_text, moment, table
from api.cli.stores import open_store
from projections.queries.findings import finding_totals
from projections.queries.findings import findings as read_findings
from projections.queries.snapshot import Reads


def findings(
    context: typer.Context,
    book: Book,
    every: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    code: Annotated[str | None, typer.Option(help="Only findings of this code.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most this many rows.")] = 100,
    _json: Json = False,
) -> None:
    """List findings: differences that reconciliation found, as of its latest scan."""
    state = state_of(context)
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        store.reading(book, reads=Reads.FINDINGS) as at,
    ):
        found = read_findings(at, state=None if every else "OPEN", code=code, limit=limit)
        totals = finding_totals(at)

    def render(console: Console) -> None:
        drawn = table("code", "subject", "state", "difference", "since", right=("difference",))
        for finding in found:
            difference = finding.difference
            amount = f"{balance_text(difference)} {difference.amount.currency}" if difference else ""
            drawn.add_row(finding.code, finding.subject, finding.state, amount, moment(finding.first_seen_at))
        console.print(drawn)
        for total in totals:
            console.print(Text(f"{total.code}: {total.findings} {total.state}", style="dim"))

    state.output.data({"book": book, "findings": found, "totals": totals, "as_of_position": at.position}, render)
