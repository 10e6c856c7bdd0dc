"""`ledgerctl payment`: where a payment stands, and what may safely be tried again."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from api.cli.command import Book, Json, group, state_of
from api.cli.output import details, money, table
from api.cli.stores import open_store
from projections.queries.payment_states import (
    NEVER_ANEW,
    PaymentStanding,
    RetryAdvice,
    payment_standing,
    retry_advice,
)

app = group("payment", "Show payments, and what may be tried again.")

OrderKey = Annotated[str, typer.Argument(help="Order key: the subject of the payment's events.")]


@app.callback()
def payments() -> None:
    """Show payments, and what may be tried again."""


@app.command()
def show(context: typer.Context, order_key: OrderKey, book: Book, _json: Json = False) -> None:
    """Show where a payment stands: its state, execution and finality, amounts, refunds, disputes and settlements."""
    standing = _read(context, order_key, book)
    state_of(context).output.data({"book": book, "payment": standing}, lambda console: _draw(console, standing))


@app.command("retry-check")
def retry_check(context: typer.Context, order_key: OrderKey, book: Book, _json: Json = False) -> None:
    """Say for the capture and each refund whether trying again is safe."""
    answers = retry_advice(_read(context, order_key, book))
    state_of(context).output.data(
        {"book": book, "order_key": order_key, "answers": list(answers), "note": NEVER_ANEW},
        lambda console: _draw_answers(console, answers),
    )


def _read(context: typer.Context, order_key: str, book: str) -> PaymentStanding:
    state = state_of(context)
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        store.reading(book) as at,
    ):
        return payment_standing(at, order_key)


def _draw(console: Console, standing: PaymentStanding) -> None:
    amounts = {
        name: f"{money(amount)} {amount.currency}".strip()
        for name, amount in (
            ("authorised", standing.authorised), ("captured", standing.captured), ("refunded", standing.refunded),
            ("set aside", standing.set_aside), ("settled", standing.settled),
        )
    }  # fmt: skip
    rows = {"order key": standing.order_key, "state": standing.state or "-", **amounts}
    if standing.state is not None:
        rows |= {"execution": standing.execution.value, "finality": standing.finality.value}
    if standing.parked:
        rows["waiting"] = f"{standing.parked} events"
    console.print(details(dict(rows)))
    if standing.parts:
        drawn = table("kind", "id", "state", "amount", "", right=("amount",))
        for part in standing.parts:
            drawn.add_row(part.kind, part.part_id, part.state.value, money(part.amount), part.amount.currency)
        console.print(drawn)


def _draw_answers(console: Console, answers: Sequence[RetryAdvice]) -> None:
    drawn = table("what", "state", "answer", "why")
    for advice in answers:
        drawn.add_row(advice.what, advice.state, advice.answer, advice.detail)
    console.print(drawn)
    console.print(NEVER_ANEW)
