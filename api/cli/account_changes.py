"""Draws what became of an account besides its entries, for `ledgerctl account show` and `explain`."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from api.cli.output import balance_text, moment, table
from projections.queries.account_changes import MOST_CHANGES, AccountChange
from projections.queries.accounts import AccountLimits
from projections.queries.amounts import Balance


def draw_changes(console: Console, changes: Sequence[AccountChange]) -> None:
    """A line for each, newest first; none before the account has any."""
    if not changes:
        return
    drawn = table("no", "change", "position", "recorded", "why", "who", "by event", right=("no", "position"))
    for each in changes:
        said = ", ".join(filter(None, (each.reason, _limits_text(each.limits))))
        who = ", ".join(f"{did} {person}" for did, person in each.persons.items())
        event = f"{each.origin.event_id} of {each.origin.source}" if each.origin else ""
        row = (each.change.replace("_", " "), str(each.position), moment(each.recorded_at), said, who, event)
        drawn.add_row(str(each.number), *row)
    console.print(drawn)
    if len(changes) == MOST_CHANGES and changes[-1].number > 1:
        console.print(Text(f"{changes[-1].number - 1:,} earlier changes are not shown", style="dim"))


def limit_text(limit: Balance | None) -> str:
    """A limit, or that there is none."""
    return balance_text(limit) if limit else "–"


def _limits_text(limits: AccountLimits | None) -> str:
    if limits is None:
        return ""
    return f"{limits.policy} from {limit_text(limits.minimum)} to {limit_text(limits.maximum)}"
