"""`ledgerctl event`: what became of an upstream event, and what would become of one."""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from api.cli.command import Book, Json, group, state_of
from api.cli.errors import EXIT_FOUND_PROBLEMS, CliError
from api.cli.ingest import look_at_file
from api.cli.output import details, moment
from api.cli.stores import open_store
from api.cli.vouchers import lines_table
from consumers.bootstrap import database_decoder
from consumers.dry_run import Fate, FileTooLong, fates
from ledger_core.domain.outcomes import Outcome
from projections.queries.events import Decision, event_outcome

app = group("event", "Look up upstream events.")


@app.callback()
def events() -> None:
    """Look up upstream events."""


@app.command()
def show(
    context: typer.Context,
    event_id: Annotated[str, typer.Argument(help="Id of the event, as its producer gave it.")],
    source: Annotated[str, typer.Option(help="Source of the event, as its producer gave it.")],
    book: Book,
    _json: Json = False,
) -> None:
    """Show the outcome of an upstream event: every decision on it, the last of which counts."""
    state = state_of(context)
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        store.reading(book) as at,
    ):
        found = event_outcome(at, source, event_id)

    def render(console: Console) -> None:
        for decision in found.revisions:
            _draw(console, decision)
        if found.conflicts:
            console.print(f"{len(found.conflicts)} events of the same id with other content were refused")

    state.output.data({"book": book, "event": found, "outcome": found.current.outcome}, render)


@app.command()
def validate(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Structured CloudEvents, one JSON object a line.")],
    book: Annotated[str | None, typer.Option("--book", "-b", help="Refuse events of any other book.")] = None,
    _json: Json = False,
) -> None:
    """Tell what would become of a file's events, without posting: schema, rule and decision, line by line.

    Exit code 3 when a line would be rejected or would wait.
    """
    state = state_of(context)
    content = look_at_file(file)
    with open_store(state.database, book=book, say=state.output.say) as store:
        decoder = database_decoder(store.dsn, expected_book=book)
        try:
            found = fates(store.dsn, file, content, decoder, time.time_ns() // 1_000_000)
        except FileTooLong as error:
            raise CliError("FILE_TOO_LONG", str(error), "try the first lines: head -n 8000 FILE") from error
    counts = Counter(fate.outcome for fate in found)
    state.output.data({"outcomes": counts, "events": found}, lambda console: _draw_fates(console, found, counts))
    if counts[Outcome.REJECTED] or counts[Outcome.PARKED]:
        raise typer.Exit(EXIT_FOUND_PROBLEMS)


def _draw_fates(console: Console, found: Sequence[Fate], counts: Counter[Outcome]) -> None:
    for fate in found:
        known = f" (known as {fate.original.value})" if fate.original is not None else ""
        what = f"{fate.event_type} {fate.event_id}".strip()
        console.print(Text(f"line {fate.line}: {fate.outcome.value}{known}  {what}  in book {fate.book}"))
        if fate.code:
            waits = f"; waits for {fate.waits_for}" if fate.waits_for else ""
            console.print(Text(f"    {fate.code}: {fate.detail}{waits}"))
        for voucher in fate.vouchers if fate.original is None else ():
            console.print(Text(f"    {voucher.kind} by {voucher.rule}"))
            console.print(lines_table(voucher.lines))
    said = ", ".join(f"{count:,} {outcome.value.lower()}" for outcome, count in counts.items()) or "no lines"
    console.print(f"would be: {said}; nothing was posted")


def _draw(console: Console, decision: Decision) -> None:
    pairs: dict[str, object] = {
        "outcome": decision.outcome, "position": decision.position, "event type": decision.event_type,
        "order key": decision.order_key, "effective": moment(decision.effective_at),
        "recorded": moment(decision.recorded_at),
        "record": f"{decision.topic}[{decision.partition}] at offset {decision.offset}",
    }  # fmt: skip
    if decision.voucher_no:
        pairs["voucher"] = decision.voucher_no
    if decision.code:
        pairs |= {"code": decision.code, "detail": decision.detail}
    if decision.waits_for:
        pairs["waits for"] = decision.waits_for
    if decision.revision > 1:
        pairs["revision"] = decision.revision
    console.print(details(pairs))
