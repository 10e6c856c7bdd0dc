"""What became of an account besides its entries: opened, limited, frozen, unfrozen, closed; why, when and by whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from ledger_core.domain.account_types import account_type_of
from ledger_core.store.account_events import account_originator_id, limits_from_document
from projections.queries.accounts import Account, AccountLimits, limits_of
from projections.queries.origins import Origin, origin_of, persons_of
from projections.queries.snapshot import QUERIES, Snapshot

MOST_CHANGES: Final = 100
"""Changes answered at most, the newest."""


@dataclass(frozen=True, slots=True)
class AccountChange:
    """One event of the account's own. `number` counts them from 1.

    `change` is opened, limits_set, frozen, unfrozen or closed; `limits` are set where it says some. `origin` is None
    for a command, and for what opened on the fly.
    """

    number: int
    position: int
    recorded_at: datetime
    change: str
    reason: str
    limits: AccountLimits | None
    persons: dict[str, str]
    origin: Origin | None


def account_changes(at: Snapshot, account: Account, *, as_of_position: int | None = None) -> list[AccountChange]:
    """The newest changes of an account as known at a position, newest first; at most `MOST_CHANGES`."""
    parameters = {
        "book_id": at.book_id, "originator_id": account_originator_id(at.book, account.code),
        "position": at.position if as_of_position is None else as_of_position, "limit": MOST_CHANGES,
    }  # fmt: skip
    rows = at.connection.execute(QUERIES["account_changes"], parameters).fetchall()
    return [_change(account, *row) for row in rows]


def _change(
    account: Account, number: int, position: int, recorded_at: datetime, event_type: str, stored: bytes
) -> AccountChange:
    state: dict[str, Any] = orjson.loads(stored)
    return AccountChange(
        number=number,
        position=position,
        recorded_at=recorded_at,
        change=event_type.removeprefix("account."),
        reason=state.get("reason", ""),
        limits=_limits(account, state["limits"]) if "limits" in state else None,
        persons=persons_of(state),
        origin=origin_of(state) if "event_id" in state else None,
    )


def _limits(account: Account, document: Mapping[str, str]) -> AccountLimits:
    said = limits_from_document(document)
    of = account_type_of(account.type)
    return limits_of(of, account.currency, account.scale, said.minimum_minor, said.maximum_minor, said.policy)
