"""Why a balance in two times is what it is: the entries of what took effect through a day, as known at a position."""

from datetime import date

from projections.queries.account_changes import account_changes
from projections.queries.accounts import account, entries_until
from projections.queries.amounts import balance_of
from projections.queries.assets import scales
from projections.queries.effective_sums import NOTHING, effective_sums
from projections.queries.explanations import ExplainedEntry, Explanation, explained_entry
from projections.queries.snapshot import QUERIES, Snapshot


def explain_effective(
    at: Snapshot,
    code: str,
    *,
    effective_at: date,
    known_at_position: int | None = None,
    after: int | None = None,
    limit: int = 100,
) -> Explanation:
    """Entries of an account that took effect through a UTC day, inclusive, before posting_sequence `after`, newest
    first in the order in which they were recorded; as known now or at an earlier position.

    Pages at one position fit together, whatever is backdated meanwhile. Raises NotFoundError, PositionAheadError.
    """
    position = at.position if known_at_position is None else known_at_position
    found = account(at, code)
    account_id, last = entries_until(at, code, position)
    sums = effective_sums(at, {account_id: last}, effective_at).get(account_id, NOTHING)
    parameters = {
        "book_id": at.book_id, "account_id": account_id, "through": effective_at, "limit": limit,
        "last": last if after is None else min(after - 1, last),
    }  # fmt: skip
    rows = at.connection.execute(QUERIES["explained_entries_through"], parameters).fetchall() if sums.entries else []
    first = at.connection.execute(QUERIES["first_entry_through"], parameters).fetchone() if rows else None
    scale_of = scales(at)
    entries: list[ExplainedEntry] = []
    running_minor = 0
    if rows:
        newest = effective_sums(at, {account_id: rows[-1][0]}, effective_at)[account_id]
        running_minor = newest.debits_minor - newest.credits_minor
    for row in reversed(rows):
        entries.append(explained_entry(scale_of, found, row, running_minor))
        running_minor -= row[3] if row[2] == "D" else -row[3]
    balance = balance_of(sums.debits_minor - sums.credits_minor, found.currency, found.scale)
    changes = account_changes(at, found, as_of_position=position) if after is None else []
    return Explanation(
        code, found.type, position, balance, first[0] if first else 0, sums.entries, entries, changes, effective_at
    )
