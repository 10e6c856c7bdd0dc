"""`ledgerctl payment`: where payments stand, how they came to it, and what may safely be tried again."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.cli.command import Book, Json, group, state_of
from api.cli.output import balance_text, details, moment, money, table
from api.cli.read_models import Behind, Limit, Since, Through, began, reading, timeline_table
from api.cli.stores import open_store
from ledger_core.domain.payment_state import PaymentState
from projections.queries import payments as payment_queries
from projections.queries.payment_proofs import PaymentProof, order_status_of
from projections.queries.payment_splits import PaymentSplit
from projections.queries.payment_states import PaymentPart, payment_standing
from projections.queries.payment_stories import PaymentNow, payment_now
from projections.queries.payments import Payment, PaymentFilter
from projections.queries.retrying import RetrySafety, retry_safety
from projections.queries.snapshot import Reads
from projections.queries.timelines import Timeline
from projections.queries.timelines import timeline as read_timeline

app = group("payment", "Show payments, and what may be tried again.")

OrderKey = Annotated[str, typer.Argument(help="Order key: the subject of the payment's events.")]


@app.callback()
def payments() -> None:
    """Show payments, and what may be tried again."""


@app.command(name="list")
def list_payments(
    context: typer.Context,
    book: Book,
    state: Annotated[PaymentState | None, typer.Option(help="Only payments in this state.")] = None,
    order_key: Annotated[str, typer.Option(help="Only payments whose order key begins so.")] = "",
    beneficiary: Annotated[str | None, typer.Option(help="Only payments with entries on this account.")] = None,
    since: Since = None,
    through: Through = None,
    limit: Limit = 100,
    _json: Json = False,
) -> None:
    """List payments, the newest first, as far as the read model has come."""
    wanted = PaymentFilter(state, order_key, beneficiary, began(since, through))
    with reading(context, book, Reads.PAYMENTS) as (at, behind):
        found = payment_queries.payments(at, wanted, limit=limit)
    state_of(context).output.data(
        {"book": book, **behind.facts, "payments": found}, lambda console: _draw_list(console, found, behind)
    )


@app.command()
def show(context: typer.Context, order_key: OrderKey, book: Book, _json: Json = False) -> None:
    """Show where a payment stands: its state, execution and finality, amounts, proofs, legs, and what belongs to it."""
    state = state_of(context)
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        store.reading(book) as at,
    ):
        now = payment_now(at, order_key)
    order_status = order_status_of(now.proofs) or None
    said = {"book": book, "payment": now.standing, "order_status": order_status, "proofs": now.proofs}
    if_any = {"exchange": now.exchange, "split": now.split}
    said |= {name: found for name, found in if_any.items() if found is not None}
    state.output.data(said, lambda console: _draw(console, now, order_status))


@app.command()
def timeline(context: typer.Context, order_key: OrderKey, book: Book, _json: Json = False) -> None:
    """List every event of an order key, also refused ones; of payouts, fees and holds, too."""
    with reading(context, book, Reads.PAYMENTS) as (at, behind):
        found = read_timeline(at, order_key)
    state_of(context).output.data(
        {"book": book, **behind.facts, "timeline": found}, lambda console: _draw_timeline(console, found, behind)
    )


@app.command("retry-check")
def retry_check(context: typer.Context, order_key: OrderKey, book: Book, _json: Json = False) -> None:
    """Say for the capture and each refund whether trying again is safe."""
    state = state_of(context)
    with open_store(state.database, book=book, say=state.output.say) as store, store.reading(book) as at:
        payment_standing(at, order_key)
        safety = retry_safety(at, order_key, datetime.now(UTC))
    state.output.data(
        {"book": book, "order_key": order_key, **asdict(safety)}, lambda console: _draw_answers(console, safety)
    )


def _draw_list(console: Console, found: Sequence[Payment], behind: Behind) -> None:
    drawn = table(
        "payment", "state", "captured", "refunded", "disputed", "net", "", "execution", "finality", "began",
        right=("captured", "refunded", "disputed", "net"),
    )  # fmt: skip
    for one in found:
        drawn.add_row(
            one.order_key, one.state or "–", money(one.captured), money(one.refunded), money(one.disputed),
            balance_text(one.net), one.captured.currency, one.execution, one.finality, moment(one.first_effective_at),
        )  # fmt: skip
    console.print(drawn)
    behind.draw(console)


def _draw_timeline(console: Console, found: Timeline, behind: Behind) -> None:
    console.print(timeline_table(found.events))
    if found.events_in_all > len(found.events):
        console.print(f"{found.events_in_all:,} events in all, the first {len(found.events):,} are shown")
    behind.draw(console)


def _draw(console: Console, now: PaymentNow, order_status: str | None) -> None:
    standing = now.standing
    amounts = {
        "authorised": standing.authorised, "captured": standing.captured, "refunded": standing.refunded,
        "set aside": standing.set_aside, "settled": standing.settled,
    }  # fmt: skip
    if now.exchange is not None:
        amounts |= {"credited": now.exchange.credited, "credited back": now.exchange.credited_back}
    rows: dict[str, object] = {"order key": standing.order_key, "state": standing.state or "-"}
    rows |= {name: f"{money(amount)} {amount.currency}".strip() for name, amount in amounts.items()}
    if standing.state is not None:
        rows |= {"execution": standing.execution.value, "finality": standing.finality.value}
    if order_status is not None:
        rows["order"] = order_status
    if now.split is not None:
        rows["custody"] = now.split.custody
    if standing.parked:
        rows["waiting"] = f"{standing.parked} events"
    console.print(details(rows))
    for drawn in (_proofs(now.proofs), _legs(now.split), _parts(standing.parts)):
        if drawn.row_count:
            console.print(drawn)


def _proofs(proofs: Sequence[PaymentProof]) -> Table:
    drawn = table("proof at", "amount", "", "transaction", "answer", "confirmed by", "at", right=("proof at", "amount"))
    for one in proofs:
        drawn.add_row(
            str(one.position), money(one.amount), one.amount.currency, one.gateway_transaction_id,
            one.gateway_response, one.confirmed_by, one.confirmed_at,
        )  # fmt: skip
    return drawn


def _legs(split: PaymentSplit | None) -> Table:
    sums = ("amount", "commission", "net", "back", "commission back")
    drawn = table("beneficiary", *sums, "", right=sums)
    for leg in split.legs if split else ():
        amounts = (leg.amount, leg.commission, leg.net, leg.back, leg.commission_back)
        drawn.add_row(leg.beneficiary, *map(money, amounts), leg.amount.currency)
    return drawn


def _parts(parts: Sequence[PaymentPart]) -> Table:
    drawn = table("kind", "id", "state", "amount", "", right=("amount",))
    for part in parts:
        drawn.add_row(part.kind, part.part_id, part.state.value, money(part.amount), part.amount.currency)
    return drawn


def _draw_answers(console: Console, safety: RetrySafety) -> None:
    drawn = table("what", "state", "since", "answer", "why")
    for advice in safety.answers:
        since = moment(advice.since) if advice.since else "–"
        drawn.add_row(advice.what, advice.state, since, advice.answer, advice.detail)
    console.print(drawn)
    console.print(f"as of {moment(safety.as_of)}. {safety.note}")
