"""`ledgerctl chart`: compare, apply and show the versions of a book's chart of accounts."""

from collections.abc import Mapping
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console

from api.cli.books import chosen_chart
from api.cli.command import Json, Reason, group, state_of
from api.cli.errors import CliError
from api.cli.healing import decided, heal
from api.cli.output import table
from api.cli.posting import said, transactions_of
from api.cli.stores import Store, open_store
from ledger_core.domain.charts import ChartError
from ledger_core.operations.charts import ChartCommands, ChartPlan
from ledger_core.store.connection import Role
from schemas.charts import CHARTS, MARKETPLACE, load_chart

app = group("chart", "List, compare, apply and show charts of accounts.")
POLICIES: Final = ("payments", "marketplace", "transfers", "exchange", "cash")
"""Members of a chart that ask something of what is told: with none of them it books what it is told."""
BookCode = Annotated[str, typer.Argument(metavar="BOOK", help="Code of the book.")]
Chosen = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A chart of `chart list`, or a file (JSON).")]
Apply = Annotated[bool, typer.Option("--apply", help="Put it in force; without this it is a dry run.")]

# What the next version of a chart may make right: accounts that were missing, profiles asked for, where late events go,
# what transfers need before they settle, sweeps, whether captures need an intent.
WAITING = """
    SELECT DISTINCT waits_for FROM ledger.dead_letter JOIN ledger.book_directory USING (book_id)
    WHERE book_directory.code = %s AND resolved_position IS NULL AND outcome = 'PARKED'
      AND (waits_for LIKE 'account:%%' OR waits_for LIKE 'control:%%' OR waits_for LIKE 'profile:%%'
      OR waits_for LIKE 'gate:%%' OR waits_for LIKE 'sweep:%%' OR waits_for = 'period'
      OR waits_for = 'payment.intent_created|payment.authorized')
    ORDER BY waits_for"""


@app.command(name="list")
def list_charts(context: typer.Context, _json: Json = False) -> None:
    """List the charts that come along, and what each asks of what is told."""
    charts = [
        {
            "name": name, "purpose": purpose, "default": name == MARKETPLACE,
            "asks": {member: said for member, said in load_chart(name).items() if member in POLICIES},
        }
        for name, purpose in CHARTS.items()
    ]  # fmt: skip

    def render(console: Console) -> None:
        drawn = table("chart", "asks of", "what it is for")
        for name, purpose in CHARTS.items():
            asks = [member for member in load_chart(name) if member in POLICIES]
            drawn.add_row(name + (" (usual)" if name == MARKETPLACE else ""), ", ".join(asks) or "nothing", purpose)
        console.print(drawn)

    state_of(context).output.data({"charts": charts}, render)


@app.command(name="print")
def print_chart(
    context: typer.Context, name: Annotated[str, typer.Argument(help="One of `chart list`.")], _json: Json = False
) -> None:
    """Print a chart that comes along, as a file to write your own by."""
    if name not in CHARTS:
        raise CliError("CHART_UNKNOWN", f"no chart {name} comes along", "list them with: ledgerctl chart list")
    document = load_chart(name)
    state_of(context).output.data({"chart": document}, lambda console: _draw_document(console, document))


@app.command(name="apply")
def apply_chart(
    context: typer.Context, book: BookCode, chart: Chosen, reason: Reason, apply: Apply = False, _json: Json = False
) -> None:
    """Show what a chart would change and, with --apply, put it in force as the next version."""
    state = state_of(context)
    document = chosen_chart(chart)
    with open_store(state.database, book=book, say=state.output.say) as store:
        commands = ChartCommands(transactions_of(store), book)
        try:
            plan = commands.apply(document, reason=said(reason)) if apply else commands.plan(document)
        except ChartError as error:
            raise CliError("CHART_INVALID", str(error), "see docs/reference/charts.md") from error
        applied = apply and bool(plan.changes)
        healed = sum(heal(store, book, one) for one in _waiting(store, book)) if applied else 0
    state.output.data(
        {"plan": plan, "applied": applied, "reason": reason, "healed": healed},
        lambda console: _draw_plan(console, plan, applied=applied, healed=healed),
    )


@app.command()
def diff(context: typer.Context, book: BookCode, chart: Chosen, _json: Json = False) -> None:
    """Compare a chart with the one in force; nothing is changed."""
    state = state_of(context)
    document = chosen_chart(chart)
    with open_store(state.database, book=book, say=state.output.say) as store:
        try:
            plan = ChartCommands(transactions_of(store), book).plan(document)
        except ChartError as error:
            raise CliError("CHART_INVALID", str(error), "see docs/reference/charts.md") from error
    state.output.data({"plan": plan}, lambda console: _draw_plan(console, plan, applied=False, healed=0))


@app.command()
def show(
    context: typer.Context,
    book: BookCode,
    version: Annotated[int | None, typer.Option(min=1, help="This version instead of the one in force.")] = None,
    _json: Json = False,
) -> None:
    """Show a version of a book's chart, as it can be applied again."""
    state = state_of(context)
    with open_store(state.database, book=book, say=state.output.say) as store:
        found = ChartCommands(transactions_of(store), book).show(version)

    def render(console: Console) -> None:
        state.output.say(f"version {found.version} of book {book}" + (", in force" if found.in_force else ""))
        _draw_document(console, found.document)

    state.output.data({"chart": found}, render)


def _waiting(store: Store, book: str) -> list[str]:
    with store.connect(Role.POSTER) as connection:
        return [row[0] for row in connection.execute(WAITING, (book,))]


def _draw_document(console: Console, document: Mapping[str, object]) -> None:
    console.print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode(), soft_wrap=True)


def _draw_plan(console: Console, plan: ChartPlan, *, applied: bool, healed: int) -> None:
    drawn = table("what", "name", "change", "from", "to")
    for change in plan.changes:
        what = f"{change.action} {change.member}".strip()
        drawn.add_row(change.section, change.name, what, change.before or "–", change.after or "–")
    if plan.changes:
        console.print(drawn)
    for name, codes in (("opens", plan.opens), ("changes the limits of", plan.limits)):
        if codes:
            console.print(f"{name} {', '.join(codes)}")
    for found in plan.contradictions:
        console.print(f"refused, {found.code}: {found.detail}")
    if not plan.changes:
        console.print("nothing changes")
    elif applied:
        console.print(f"version {plan.version} is in force" + (f"; {decided(healed)}" if healed else ""))
    elif not plan.contradictions:
        console.print(f"dry run: --apply puts it in force as version {plan.version}")
