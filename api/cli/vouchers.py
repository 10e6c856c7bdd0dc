"""`ledgerctl voucher`: one voucher with its lines, its cause and its links."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.cli.command import Book, Json, group, state_of
from api.cli.output import details, moment, money, table
from api.cli.stores import open_store
from projections.queries.vouchers import Quote, Voucher, VoucherLine, VoucherLink
from projections.queries.vouchers import voucher as read_voucher

app = group("voucher", "Show vouchers.")


@app.callback()
def vouchers() -> None:
    """Show vouchers."""


@app.command()
def show(
    context: typer.Context,
    number: Annotated[int, typer.Argument(min=1, help="Number of the voucher in its book.")],
    book: Book,
    _json: Json = False,
) -> None:
    """Show one voucher: its lines, the rule that made it, the event that caused it, and what is linked to it."""
    state = state_of(context)
    with (
        open_store(state.database, book=book, say=state.output.say) as store,
        store.reading(book) as at,
    ):
        voucher = read_voucher(at, number)
    state.output.data({"book": book, "voucher": voucher}, lambda console: _draw(console, voucher))


def _draw(console: Console, voucher: Voucher) -> None:
    cause, links = voucher.cause, voucher.links
    console.print(
        details(
            {
                "voucher": voucher.voucher_no, "kind": voucher.kind,
                "rule": f"{voucher.rule}, chart version {voucher.chart_version}",
                "order key": voucher.order_key, "amount": f"{money(voucher.amount)} {voucher.amount.currency}",
                "effective": moment(voucher.effective_at),
                "recorded": moment(voucher.recorded_at), "position": voucher.position,
                **_quoted(voucher.quote),
                "cause": f"{cause.event_type} {cause.event_id} of {cause.source}",
                "record": f"{cause.topic}[{cause.partition}] at offset {cause.offset}",
                **_linked("reverses", links.reverses), **_linked("reversed by", links.reversed_by),
                **_linked("compensates", links.compensates), **_linked("compensated by", links.compensated_by),
                **_grouped(voucher),
            }
        )
    )  # fmt: skip
    console.print(lines_table(voucher.lines))


def _quoted(quote: Quote | None) -> dict[str, object]:
    if quote is None:
        return {}
    stale = ", stale" if quote.stale else ""
    return {
        "rate": f"{quote.rate} {quote.counter} for 1 {quote.base}",
        "quoted": f"{moment(quote.quoted_at)} by {quote.provider} ({quote.source}){stale}",
    }


def _linked(name: str, links: Sequence[VoucherLink]) -> dict[str, object]:
    return {name: ", ".join(f"voucher {link.voucher_no}" for link in links)} if links else {}


def _grouped(voucher: Voucher) -> dict[str, object]:
    return {"group": group_text(voucher.voucher_no, voucher.group)} if voucher.group else {}


def group_text(voucher_no: int, group: Sequence[int]) -> str:
    """Which member it is, and the numbers of them all."""
    return f"member {voucher_no - group[0] + 1} of {len(group)}: vouchers {group[0]} to {group[-1]}" if group else ""


def lines_table(lines: Sequence[VoucherLine]) -> Table:
    """A voucher's lines, debits and credits in columns of their own."""
    drawn = table("line", "account", "purpose", "debit", "credit", "", right=("line", "debit", "credit"))
    for line in lines:
        debit = money(line.amount) if line.side.value == "debit" else ""
        credit = money(line.amount) if line.side.value == "credit" else ""
        drawn.add_row(str(line.line), line.account, line.purpose, debit, credit, line.amount.currency)
    return drawn
