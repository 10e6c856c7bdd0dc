"""`ledgerctl demo`: a marketplace month through the whole pipeline, and proof that the books are right."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from api.cli.command import Json, state_of
from api.cli.demo_report import draw_report, wire_of
from api.cli.demo_run import Hooks, marketplace_month, olist_files, run_demo
from api.cli.errors import EXIT_FOUND_PROBLEMS
from api.cli.output import Output
from api.cli.stack.watch import Progress

BrokerChoice = Annotated[
    Literal["embedded", "kafka"], typer.Option(help="Embedded log in PostgreSQL, or real Apache Kafka.")
]


def demo(
    context: typer.Context,
    broker: BrokerChoice = "embedded",
    olist: Annotated[Path | None, typer.Option(help="Folder with the public Olist files, as input.")] = None,
    in_steps: Annotated[
        bool, typer.Option("--in-steps", help="With --olist: refunds and payouts in steps, and voids.")
    ] = False,
    orders: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="How many orders.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed makes another month.")] = 1,
    replay: Annotated[
        bool, typer.Option("--replay", help="Consume the topic a second time: nothing may be posted.")
    ] = False,
    _json: Json = False,
) -> None:
    """Run a marketplace month through the whole pipeline and show the books. Exit 3 when they do not hold."""
    state = state_of(context)
    if in_steps and olist is None:
        raise typer.BadParameter("goes with --olist", param_hint="--in-steps")
    given = olist_files(olist, orders, in_steps=in_steps) if olist is not None else marketplace_month(seed, orders)
    with shown(state.output) as hooks:
        result = run_demo(given, broker, hooks, replay=replay)
    state.output.data(wire_of(result), lambda console: draw_report(console, result))
    if not result.holds:
        raise typer.Exit(EXIT_FOUND_PROBLEMS)


@contextmanager
def shown(output: Output) -> Iterator[Hooks]:
    """Bars on a terminal; elsewhere a line per stage; nothing at all in JSON mode."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=output.words, transient=True, disable=not output.interactive) as bars:
        task = bars.add_task("", total=None)

        def stage(name: str) -> None:
            bars.reset(task, description=name, total=None)
            if not output.interactive:
                output.say(f"{name} …")

        def progress(now: Progress, events: int) -> None:
            behind = f"relayed {now.relayed:,}, projected {now.projected:,} of {now.logged:,}"
            bars.update(task, completed=now.consumed, total=events, description=f"events posted ({behind})")

        yield Hooks(
            stage=stage,
            produced=lambda count: bars.update(task, completed=count),
            progress=progress,
            verified=lambda done, total: bars.update(task, completed=done, total=total),
        )
