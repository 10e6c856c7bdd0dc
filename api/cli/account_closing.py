"""`ledgerctl account close --to`: an account that closes with a voucher, by the event that any service would send."""

import uuid
from datetime import UTC, datetime
from typing import NamedTuple

from rich.console import Console

from api.cli.asking import Asked, ask, try_out
from api.cli.command import State
from api.cli.errors import CliError
from api.cli.stores import Store
from consumers.files import LineOutcome
from ledger_core.domain.outcomes import Outcome


class Closing(NamedTuple):
    """What is asked for: the rest of the balance of `account` goes to the account `to`."""

    account: str
    to: str
    reason: str
    requested_by: str = ""


def close_by_event(store: Store, book: str, closing: Closing, request: str) -> LineOutcome:
    """Asks for it once it is known that it would not be refused: a refused request would stay behind, or wait.

    Raises `CliError` with the code of the refusal.
    """
    data: dict[str, object] = {
        "account": closing.account, "closing": {"to": closing.to}, "reason": closing.reason,
    }  # fmt: skip
    if closing.requested_by.strip():
        data["requested_by"] = closing.requested_by.strip()
    event_id = request or f"close-{uuid.uuid4()}"
    asked = Asked("account.closed.v1", event_id, closing.account, datetime.now(UTC), data)
    fate = try_out(store, book, asked)
    if fate.code:
        raise _refused(closing, fate.code, fate.detail)
    outcome = ask(store, book, asked)
    if outcome.code:
        raise _refused(closing, outcome.code, outcome.detail)
    return outcome


def _refused(closing: Closing, code: str, detail: str) -> CliError:
    return CliError(code, f"account {closing.account} is not closed: {detail}", "see docs/how-to/manage-accounts.md")


def show_closing(state: State, code: str, outcome: LineOutcome) -> None:
    """What became of it: with which voucher, or without one where nothing was left."""
    with_voucher = f" by voucher {outcome.voucher_no}" if outcome.voucher_no else ""
    as_before = ", as it was before" if outcome.outcome is Outcome.REPLAYED else ""
    text = f"account {code} is closed{with_voucher}{as_before} (request {outcome.event_id})"
    state.output.data({"account": code, "outcome": outcome}, lambda console: _say(console, text))


def _say(console: Console, text: str) -> None:
    console.print(text)
