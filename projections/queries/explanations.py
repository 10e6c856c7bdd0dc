"""Why a balance is what it is: entries, vouchers, rules, upstream events with their records, blocks, and persons.

What a voucher says comes from its event's state, all of it: a member that a later version adds is in `details`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson

from projections.queries.account_changes import AccountChange, account_changes
from projections.queries.accounts import Account, account, balance_after, entries_until
from projections.queries.amounts import Amount, Balance, Side, balance_of
from projections.queries.assets import scales
from projections.queries.errors import NotFoundError
from projections.queries.origins import PERSONS, Origin, origin_of, persons_of
from projections.queries.snapshot import QUERIES, Snapshot
from projections.queries.vouchers import VoucherLine, group_of

SIDES: Final = {"D": Side.DEBIT, "C": Side.CREDIT}
_OWN_FIELDS: Final = frozenset({
    "kind", "rule", "effective_at", "source", "event_id", "event_type", "revision", "cause", "amount_minor", "currency",
    "lines", "memo", "reverses", "compensates", "group", *PERSONS,
})  # fmt: skip
"""Members of a state that are fields of ours; the others are details."""


@dataclass(frozen=True, slots=True)
class ExplainedVoucher:
    """A voucher with all that is known of it.

    `reverses` are the vouchers that this one mirrors, `compensates` what it makes good, by their numbers; `group` those
    that posted together with it, its own among them, empty where it is alone. `persons` are by what they did, such as
    approved_by. `details` is what else its event says.
    """

    voucher_no: int
    position: int
    block_number: int
    kind: str
    rule: str
    chart_version: int
    order_key: str
    memo: str
    effective_at: datetime
    recorded_at: datetime
    origin: Origin
    reverses: list[int]
    compensates: list[int]
    group: list[int]
    persons: dict[str, str]
    details: dict[str, Any]
    lines: list[VoucherLine]


@dataclass(frozen=True, slots=True)
class ExplainedEntry:
    """An entry, the balance of its account after it, and its voucher."""

    posting_sequence: int
    line: int
    side: Side
    amount: Amount
    balance: Balance
    purpose: str
    voucher: ExplainedVoucher


@dataclass(frozen=True, slots=True)
class Explanation:
    """The balance of account `code` as known at `position`, and a page of the entries that make it up, newest first.

    Entries `first_entry` to `entries_in_all` account for the balance: the account stood at zero before the first.
    `changes` are what became of the account besides, newest first: on the first page only.

    With `effective_at` it is the balance of what took effect through that day: then `entries_in_all` of the entries
    from `first_entry` on do, and balances after entries count those alone.
    """

    code: str
    type: str
    position: int
    balance: Balance
    first_entry: int
    entries_in_all: int
    entries: list[ExplainedEntry]
    changes: list[AccountChange]
    effective_at: date | None = None

    @property
    def made_by(self) -> int:
        """How many entries make the balance."""
        if self.effective_at is not None or not self.entries_in_all:
            return self.entries_in_all
        return self.entries_in_all - self.first_entry + 1


@dataclass(frozen=True, slots=True)
class VoucherExplanation:
    """A voucher, what it left on each account that it touched, line by line, and the other members of its group."""

    voucher: ExplainedVoucher
    balances: list[Balance]
    group_others: list[ExplainedVoucher]


def explain(
    at: Snapshot,
    code: str,
    *,
    as_of_position: int | None = None,
    after: int | None = None,
    limit: int = 100,
    since_zero: bool = False,
) -> Explanation:
    """Entries of an account before posting_sequence `after`, newest first, as known at a position.

    With `since_zero` only those since the balance last was zero. Pages at one position fit together, as those of a
    statement do. Raises NotFoundError, PositionAheadError.
    """
    position = at.position if as_of_position is None else as_of_position
    found = account(at, code)
    account_id, last = entries_until(at, code, position)
    scale_of = scales(at)
    balance = balance_of(balance_after(at, account_id, last), found.currency, found.scale)
    first = first_since_zero(at, account_id, last) if since_zero else min(1, last)
    high = last if after is None else min(after - 1, last)
    low = max(high - limit + 1, first, 1)
    parameters = {"book_id": at.book_id, "account_id": account_id, "first": low, "last": high}
    rows = at.connection.execute(QUERIES["explained_entries"], parameters).fetchall()
    entries = [explained_entry(scale_of, found, row) for row in reversed(rows)]
    changes = account_changes(at, found, as_of_position=position) if after is None else []
    return Explanation(code, found.type, position, balance, first, last, entries, changes)


def explained_entry(
    scale_of: Mapping[str, int], of: Account, row: Sequence[Any], running_minor: int | None = None
) -> ExplainedEntry:
    """An entry from its row, with another balance after it than the stored one if that is asked for."""
    sequence, line, side, amount_minor, stored_minor, purpose, *voucher = row
    left_minor = stored_minor if running_minor is None else running_minor
    return ExplainedEntry(
        posting_sequence=sequence,
        line=line,
        side=SIDES[side],
        amount=Amount(amount_minor, of.currency, of.scale),
        balance=balance_of(left_minor, of.currency, of.scale),
        purpose=purpose,
        voucher=_voucher(scale_of, *voucher),
    )


def explain_voucher(at: Snapshot, voucher_no: int) -> VoucherExplanation:
    """A voucher by its number. Raises NotFoundError."""
    found = _vouchers(at, voucher_no, voucher_no)
    if not found:
        raise NotFoundError("voucher")
    (voucher,) = found
    together = _vouchers(at, voucher.group[0], voucher.group[-1]) if voucher.group else []
    others = [one for one in together if one.voucher_no != voucher_no]
    return VoucherExplanation(voucher, list(_balances_after(at, voucher)), others)


def _vouchers(at: Snapshot, first: int, last: int) -> list[ExplainedVoucher]:
    parameters = {"book_id": at.book_id, "first": first, "last": last}
    rows = at.connection.execute(QUERIES["explained_vouchers"], parameters).fetchall()
    scale_of = scales(at) if rows else {}
    return [_voucher(scale_of, *row) for row in rows]


def first_since_zero(at: Snapshot, account_id: int, last: int) -> int:
    """The first entry after the balance last was zero, before entry `last` or with it; 0 where there is no entry."""
    if last == 0:
        return 0
    parameters = {"book_id": at.book_id, "account_id": account_id, "last": last}
    row = at.connection.execute(QUERIES["last_zero"], parameters).fetchone()
    return 1 if row is None else int(row[0]) + 1


def _balances_after(at: Snapshot, voucher: ExplainedVoucher) -> Iterator[Balance]:
    """The balance of each line's account after it: the last entries of the account at the voucher's position."""
    following: dict[str, int] = {}
    for line in voucher.lines:
        following[line.account] = following.get(line.account, 0) + 1
    for line in voucher.lines:
        following[line.account] -= 1
        account_id, last = entries_until(at, line.account, voucher.position)
        running_minor = balance_after(at, account_id, last - following[line.account])
        yield balance_of(running_minor, line.amount.currency, line.amount.scale)


def _voucher(
    scale_of: Mapping[str, int], position: int, voucher_no: int, order_key: str, stored: bytes, block_number: int,
    recorded_at: datetime, chart_version: int,
) -> ExplainedVoucher:  # fmt: skip
    state: dict[str, Any] = orjson.loads(stored)
    return ExplainedVoucher(
        voucher_no=voucher_no,
        position=position,
        block_number=block_number,
        kind=state["kind"],
        rule=state["rule"],
        chart_version=chart_version,
        order_key=order_key,
        memo=state.get("memo", ""),
        effective_at=datetime.fromisoformat(state["effective_at"]),
        recorded_at=recorded_at,
        origin=origin_of(state),
        reverses=[int(link["voucher_no"]) for link in state.get("reverses", ())],
        compensates=[int(link["voucher_no"]) for link in state.get("compensates", ())],
        group=group_of(voucher_no, state.get("group")),
        persons=persons_of(state),
        details={name: value for name, value in state.items() if name not in _OWN_FIELDS},
        lines=[
            VoucherLine(number, code, SIDES[side], Amount(int(amount), currency, scale_of[currency]), purpose)
            for number, (code, side, amount, currency, purpose, *_) in enumerate(state["lines"], start=1)
        ],
    )
