"""`ledgerctl void`: take a voucher back by its exact mirror.

The request is an event as any service would send it: without `--apply` it is only tried out.
"""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Console

from api.cli.asking import SOURCE, Asked, ask, try_out
from api.cli.command import Json, Reason, State, state_of
from api.cli.errors import EXIT_FOUND_PROBLEMS, CliError
from api.cli.output import details
from api.cli.posting import said
from api.cli.stores import open_store
from api.cli.vouchers import lines_table
from consumers.dry_run import Fate
from consumers.files import LineOutcome
from ledger_core.domain.outcomes import Outcome
from projections.queries.vouchers import Voucher
from projections.queries.vouchers import voucher as read_voucher

NOTHING_POSTED: Final = "a dry run: nothing was posted; --apply does it"


def void(
    context: typer.Context,
    book: Annotated[str, typer.Argument(metavar="BOOK", help="Code of the book.")],
    number: Annotated[int, typer.Argument(metavar="VOUCHER_NO", min=1, help="Number of the voucher in its book.")],
    reason: Reason,
    requested_by: Annotated[str, typer.Option(help="Who asks for it; stands in the log.")] = "",
    effective_at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day on which it takes effect, in UTC; else now.")
    ] = None,
    in_open_period: Annotated[
        bool,
        typer.Option("--in-open-period", help="If its period is closed: mirror it in the open one."),
    ] = False,
    request: Annotated[str, typer.Option(help="Id of the request: a repeat with the same id posts nothing.")] = "",
    source: Annotated[str, typer.Option(help="What the request calls its source.")] = SOURCE,
    apply: Annotated[
        bool, typer.Option("--apply", help="Post it; without this it only says what it would post.")
    ] = False,
    _json: Json = False,
) -> None:
    """Take a voucher back: post its exact mirror, once, linked both ways. Exit code 3 when that would be refused."""
    state = state_of(context)
    with open_store(state.database, book=book, say=state.output.say) as store:
        with store.reading(book) as at:
            voucher = read_voucher(at, number)
        data: dict[str, object] = {"voucher": {"voucher_no": str(number)}, "reason": said(reason)}
        if in_open_period:
            data["in_open_period"] = True
        if requested_by:
            data["requested_by"] = requested_by
        event_id = request or f"void-{uuid.uuid4()}"
        moment = effective_at.replace(tzinfo=UTC) if effective_at else datetime.now(UTC)
        asked = Asked("voucher.void_requested.v1", event_id, voucher.order_key, moment, data, source)
        if apply:
            _show_applied(state, voucher, ask(store, book, asked))
        else:
            _show_dry_run(state, voucher, try_out(store, book, asked))


def _show_dry_run(state: State, voucher: Voucher, fate: Fate) -> None:
    result = {"book": fate.book, "voucher": voucher, "applied": False, "fate": fate}

    def render(console: Console) -> None:
        console.print(details({"voucher": voucher.voucher_no, "kind": voucher.kind, "order key": voucher.order_key}))
        for mirror in fate.vouchers:
            console.print("its reversal would be")
            console.print(lines_table(mirror.lines))
        if fate.code:
            console.print(details({"would be": (fate.original or fate.outcome).value, fate.code: fate.detail}))

    state.output.data(result, render)
    state.output.say(NOTHING_POSTED)
    if fate.code:
        raise typer.Exit(EXIT_FOUND_PROBLEMS)


def _show_applied(state: State, voucher: Voucher, outcome: LineOutcome) -> None:
    became = outcome.original or outcome.outcome
    if became is not Outcome.POSTED:
        waits = " and waits" if became is Outcome.PARKED else ""
        raise CliError(outcome.code, f"voucher {voucher.voucher_no} is not taken back: {outcome.detail}{waits}", NEXT)
    result = {"book": outcome.book, "voucher_no": voucher.voucher_no, "applied": True, "outcome": outcome}
    text = f"voucher {outcome.voucher_no} takes back voucher {voucher.voucher_no} (request {outcome.event_id})"
    state.output.data(result, lambda console: console.print(text))


NEXT: Final = "see docs/how-to/void-a-voucher.md"
