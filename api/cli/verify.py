"""`ledgerctl verify`: re-folds everything that the store promises."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from api.cli.command import Json, state_of
from api.cli.errors import EXIT_FOUND_PROBLEMS, with_next
from api.cli.judging import Program, as_data, draw_judgements, judge_books, judges_at_hand
from api.cli.output import Output, table
from api.cli.signing_keys import KeptCheckpoints, PinnedKeys, read_trust
from api.cli.stores import open_store
from ledger_core.domain.outcomes import Code
from ledger_core.store.verify import CHECKS, Since, VerifyReport
from ledger_core.store.verify import verify as verify_store
from projections.exports.judges import Judgement


def verify(
    context: typer.Context,
    book: Annotated[list[str] | None, typer.Option("--book", "-b", help="Only this book (may be repeated).")] = None,
    against: Annotated[
        Program | None, typer.Option(help="Let this program add up the books as well, and compare every balance.")
    ] = None,
    since_checkpoint: Annotated[
        bool, typer.Option("--since-checkpoint", help="Only what came after each book's last signed checkpoint.")
    ] = False,
    from_position: Annotated[
        int, typer.Option("--from", min=1, help="Only from the block on that holds this position, of one --book.")
    ] = 1,
    checkpoint: KeptCheckpoints = None,
    key: PinnedKeys = None,
    _json: Json = False,
) -> None:
    """Check the whole store: chain, numbers, balances, heads, inbox, counters. Exit 3 names the first bad row."""
    state = state_of(context)
    programs = judges_at_hand(against) if against else []
    judgements: list[Judgement] = []
    if from_position > 1 and (since_checkpoint or len(book or ()) != 1):
        raise typer.BadParameter("--from goes with one --book, and without --since-checkpoint")
    trust = read_trust(key, checkpoint)
    with (
        open_store(state.database, book=book[0] if book else None, say=state.output.say) as store,
        shown_progress(state.output, "verifying") as progress,
    ):
        try:
            report = verify_store(
                store.dsn,
                books=book or None,
                progress=progress,
                since=Since(position=from_position, checkpoint=since_checkpoint),
                trust=trust,
            )
        except LookupError as error:
            raise with_next(Code.BOOK_UNKNOWN, str(error)) from error
        if against:
            judgements = judge_books(store, against, programs, report.positions)

    def render(console: Console) -> None:
        draw_report(console, report)
        draw_judgements(console, judgements)

    state.output.data(
        {**asdict(report), "judgements": [as_data(judgement) for judgement in judgements]} if against else report,
        render,
    )
    if not report.ok or not all(judgement.ok for judgement in judgements):
        raise typer.Exit(EXIT_FOUND_PROBLEMS)


def draw_report(console: Console, report: VerifyReport) -> None:
    """A line per check; a broken one with its first bad row."""
    drawn = table("", "check", "over", "", right=("over",))
    for check in report.checks:
        mark = Text("ok", style="green") if check.ok else Text("BROKEN", style="bold red")
        drawn.add_row(
            mark,
            check.name,
            f"{check.checked:,}",
            Text(check.first_bad or CHECKS[check.name], style="dim" if check.ok else "red"),
        )
    console.print(drawn)
    whole = "everything" if report.ok and not any(report.starts.values()) else "what is new"
    verdict = f"{whole} holds" if report.ok else "THE STORE DOES NOT HOLD"
    console.print(
        Text(
            f"{verdict}: {report.events:,} events in {report.seconds:.1f} s", style="green" if report.ok else "bold red"
        )
    )


@contextmanager
def shown_progress(output: Output, what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal; elsewhere nothing moves."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=output.words, transient=True, disable=not output.interactive) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
