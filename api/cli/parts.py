"""`ledgerctl refund`, `payout` and `fee`: where each stands, and the events that made it so."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from api.cli.command import Book, Json, group, state_of
from api.cli.output import details, moment, money, table
from api.cli.read_models import Behind, Limit, Since, Through, began, reading, timeline_table
from projections.queries.parts import PartFilter, PartRow, parts
from projections.queries.payment_stories import PartStory, part_story
from projections.queries.snapshot import Reads
from projections.queries.states import FeeState, PayoutState, RefundState

refunds = group("refund", "Show refunds.")
payouts = group("payout", "Show payouts.")
fees = group("fee", "Show fees that the platform takes.")

InState = typer.Option(help="Only those in this state.")
OrderKey = Annotated[str | None, typer.Option(help="Order key, where the id alone is not enough.")]


@refunds.command(name="list")
def list_refunds(
    context: typer.Context,
    book: Book,
    state: Annotated[RefundState | None, InState] = None,
    payment: Annotated[str | None, typer.Option(help="Only those of this payment, by its order key.")] = None,
    since: Since = None,
    through: Through = None,
    limit: Limit = 100,
    _json: Json = False,
) -> None:
    """List refunds, the newest first, as far as the read model has come."""
    _list(context, book, PartFilter("refund", state, None, payment, began(since, through)), limit)


@refunds.command(name="show")
def show_refund(
    context: typer.Context,
    refund_id: Annotated[str, typer.Argument(help="Id of the refund.")],
    book: Book,
    order_key: OrderKey = None,
    _json: Json = False,
) -> None:
    """Show one refund with the events that made it."""
    _show(context, book, "refund", refund_id, order_key)


@payouts.command(name="list")
def list_payouts(
    context: typer.Context,
    book: Book,
    state: Annotated[PayoutState | None, InState] = None,
    account: Annotated[str | None, typer.Option(help="Only those from this account.")] = None,
    since: Since = None,
    through: Through = None,
    limit: Limit = 100,
    _json: Json = False,
) -> None:
    """List payouts, the newest first, as far as the read model has come."""
    _list(context, book, PartFilter("payout", state, account, None, began(since, through)), limit)


@payouts.command(name="show")
def show_payout(
    context: typer.Context,
    payout_id: Annotated[str, typer.Argument(help="Id of the payout.")],
    book: Book,
    order_key: OrderKey = None,
    _json: Json = False,
) -> None:
    """Show one payout with the events that made it."""
    _show(context, book, "payout", payout_id, order_key)


@fees.command(name="list")
def list_fees(
    context: typer.Context,
    book: Book,
    state: Annotated[FeeState | None, InState] = None,
    account: Annotated[str | None, typer.Option(help="Only those that this account was charged.")] = None,
    since: Since = None,
    through: Through = None,
    limit: Limit = 100,
    _json: Json = False,
) -> None:
    """List fees, the newest first, as far as the read model has come."""
    _list(context, book, PartFilter("fee", state, account, None, began(since, through)), limit)


@fees.command(name="show")
def show_fee(
    context: typer.Context,
    fee_id: Annotated[str, typer.Argument(help="Id of the fee.")],
    book: Book,
    order_key: OrderKey = None,
    _json: Json = False,
) -> None:
    """Show one fee with the events that made it."""
    _show(context, book, "fee", fee_id, order_key)


def _list(context: typer.Context, book: str, wanted: PartFilter, limit: int) -> None:
    with reading(context, book, Reads.PARTS) as (at, behind):
        found = parts(at, wanted, limit=limit)
    state_of(context).output.data(
        {"book": book, **behind.facts, f"{wanted.kind}s": found}, lambda console: _draw_list(console, found, behind)
    )


def _show(context: typer.Context, book: str, kind: str, part_id: str, order_key: str | None) -> None:
    with reading(context, book, Reads.PARTS) as (at, behind):
        story = part_story(at, kind, part_id, order_key)
    state_of(context).output.data(
        {"book": book, **behind.facts, kind: story.part, "timeline": story.events},
        lambda console: _draw(console, story, behind),
    )


def _draw_list(console: Console, found: Sequence[PartRow], behind: Behind) -> None:
    drawn = table("id", "order key", "state", "amount", "", "account", "for", "began", "why", right=("amount",))
    for one in found:
        drawn.add_row(
            one.part_id, one.order_key, one.state, money(one.amount), one.amount.currency, one.account,
            one.reference, moment(one.first_effective_at), one.failure_reason,
        )  # fmt: skip
    console.print(drawn)
    behind.draw(console)


def _draw(console: Console, story: PartStory, behind: Behind) -> None:
    one = story.part
    facts = {
        one.kind: one.part_id, "order key": one.order_key, "state": one.state, "account": one.account,
        "amount": f"{money(one.amount)} {one.amount.currency}", "for": one.reference, "why": one.failure_reason,
        "given back": f"{money(one.refunded)} {one.refunded.currency}" if one.refunded.minor else "",
        "began": moment(one.first_effective_at), "last step": moment(one.last_effective_at),
    }  # fmt: skip
    console.print(details({name: value for name, value in facts.items() if value}))
    console.print(timeline_table(story.events))
    behind.draw(console)
