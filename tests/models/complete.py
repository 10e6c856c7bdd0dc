"""A small ledger in plain Python for what services ask of the books outright: vouchers, groups, voids and holds,
between accounts that are frozen, thawed and limited.

It imports nothing of the product. One event at a time, in the order they came; queues drain at once. Amounts are
integers of one currency, accounts are names.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import NamedTuple

PARKING = ("ACCOUNT_FROZEN", "ACCOUNT_MISSING", "HOLD_UNKNOWN", "PREDECESSOR_ABSENT", "ORDER_KEY_PARKED")
PRECEDENCE = (
    "VOUCHER_UNBALANCED", "SAME_ACCOUNT_BOTH_SIDES", "ACCOUNT_MISSING", "ACCOUNT_CLOSED", "ACCOUNT_FROZEN",
    "LIMIT_MINIMUM", "LIMIT_MAXIMUM",
)  # fmt: skip


class Line(NamedTuple):
    """One debit (D) or credit (C)."""

    account: str
    side: str
    amount: int


@dataclass(frozen=True)
class Voucher:
    event_id: str
    lines: tuple[Line, ...]
    kind: str = "transfer"

    @property
    def order(self) -> str:
        return self.event_id


@dataclass(frozen=True)
class Group:
    event_id: str
    members: tuple[tuple[Line, ...], ...]

    @property
    def order(self) -> str:
        return self.event_id


@dataclass(frozen=True)
class Void:
    """Takes back the voucher of the event whose id is its order key."""

    event_id: str
    order: str


@dataclass(frozen=True)
class Place:
    event_id: str
    order: str
    account: str
    amount: int
    tolerance_bps: int = 0


@dataclass(frozen=True)
class Capture:
    event_id: str
    order: str
    to: str
    amount: int
    final: bool = False


@dataclass(frozen=True)
class Release:
    event_id: str
    order: str


Event = Voucher | Group | Void | Place | Capture | Release


@dataclass
class Account:
    """Counters, and what decides. `normal` is the side on which it grows."""

    normal: str
    status: str = "open"
    debits: int = 0
    credits: int = 0
    held: int = 0
    minimum: int | None = None
    maximum: int | None = None
    policy: str = "allow"

    @property
    def balance(self) -> int:
        return self.debits - self.credits if self.normal == "D" else self.credits - self.debits

    @property
    def available(self) -> int:
        return self.balance - self.held


@dataclass
class Hold:
    account: str
    amount: int
    tolerance_bps: int
    captured: int = 0
    status: str = "open"

    @property
    def left(self) -> int:
        return max(0, self.amount - self.captured) if self.status == "open" else 0

    @property
    def ceiling(self) -> int:
        return self.amount + self.amount * self.tolerance_bps // 10_000


@dataclass
class Posted:
    """A voucher that stands in the books."""

    kind: str
    lines: Sequence[Line]
    reversed: bool = False


@dataclass
class Model:
    """`warned` counts how often an account whose policy is to warn fell below its minimum."""

    accounts: dict[str, Account]
    holds: dict[str, Hold] = field(default_factory=dict)
    vouchers: dict[str, list[Posted]] = field(default_factory=lambda: defaultdict(list))
    decided: dict[str, Event] = field(default_factory=dict)
    conflicts: set[Event] = field(default_factory=set)
    outcomes: dict[str, str] = field(default_factory=dict)
    queues: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    warned: int = 0

    def take(self, event: Event) -> None:
        if event.event_id in self.decided:
            if self.decided[event.event_id] != event:
                self.conflicts.add(event)
            return
        self.decided[event.event_id] = event
        queue = self.queues[event.order]
        if queue and not self._heals(event, queue[0]):
            self._park(event, "ORDER_KEY_PARKED")
            return
        self._decide(event)
        self._drain()

    def freeze(self, account: str) -> None:
        self.accounts[account].status = "frozen"

    def unfreeze(self, account: str) -> None:
        """Whoever waited for it goes on."""
        self.accounts[account].status = "open"
        self._drain()

    def limit(self, account: str, minimum: int | None, maximum: int | None, policy: str) -> None:
        one = self.accounts[account]
        one.minimum, one.maximum, one.policy = minimum, maximum, policy

    def balances(self) -> dict[str, tuple[int, int, int]]:
        """Debits, credits and what is held, of accounts that were ever touched."""
        rows = {code: (one.debits, one.credits, one.held) for code, one in self.accounts.items()}
        return {code: row for code, row in rows.items() if any(row)}

    # Queues

    def _park(self, event: Event, why: str) -> None:
        self.outcomes[event.event_id] = why
        self.queues[event.order].append(event)

    def _heals(self, event: Event, head: Event) -> bool:
        if isinstance(event, Place):
            return self._refusal(head) == "HOLD_UNKNOWN"
        return isinstance(event, Voucher | Group) and self._refusal(head) == "PREDECESSOR_ABSENT"

    def _drain(self) -> None:
        """Until nothing that waits can go on; whoever healed what is not asked."""
        while any(self._drain_one(queue) for queue in list(self.queues.values())):
            pass

    def _drain_one(self, queue: list[Event]) -> bool:
        for event in queue[:1]:
            if self._refusal(event) not in PARKING:
                queue.remove(event)
                self._decide(event)
                return True
        return False

    # One event

    def _decide(self, event: Event) -> None:
        refusal = self._refusal(event)
        if refusal in PARKING:
            self._park(event, refusal)
        else:
            self.outcomes[event.event_id] = refusal or self._accept(event)

    def _refusal(self, event: Event) -> str:
        if isinstance(event, Voucher):
            return self._refusal_of_lines(event.lines)
        if isinstance(event, Group):
            return self._refusal_of_group(event)
        if isinstance(event, Void):
            return self._refusal_of_void(event)
        return self._refusal_of_hold(event)

    def _accept(self, event: Event) -> str:
        if isinstance(event, Group):
            for lines in event.members:
                self._watched(Voucher(event.event_id, lines))
            return "POSTED"
        return self._watched(event)

    def _watched(self, event: Event) -> str:
        """Does it, and counts the accounts that cross their minimum by it."""
        before = {code: account.available for code, account in self.accounts.items()}
        outcome = self._do(event)
        self.warned += sum(self._warns(code, available) for code, available in before.items())
        return outcome

    def _warns(self, code: str, before: int) -> bool:
        account = self.accounts[code]
        low = account.minimum
        return account.policy == "warn" and low is not None and before >= low > account.available

    def _do(self, event: Event) -> str:
        if isinstance(event, Voucher):
            return self._post(event.event_id, event.kind, event.lines)
        if isinstance(event, Void):
            original = self.vouchers[event.order][0]
            original.reversed = True
            return self._post(event.event_id, "reversal", _mirror(original.lines))
        assert isinstance(event, Place | Capture | Release)
        return self._do_with_hold(event)

    # Vouchers

    def _post(self, event_id: str, kind: str, lines: Sequence[Line]) -> str:
        for line in lines:
            account = self.accounts[line.account]
            if line.side == "D":
                account.debits += line.amount
            else:
                account.credits += line.amount
        self.vouchers[event_id].append(Posted(kind, lines))
        return "POSTED"

    def _refusal_of_lines(self, lines: Sequence[Line], held_less: int = 0, of: str = "") -> str:
        """The first in precedence; `held_less` is what a capture gives back of the hold on account `of` as it posts."""
        return min(self._refusals(lines, held_less, of), key=PRECEDENCE.index, default="")

    def _refusals(self, lines: Sequence[Line], held_less: int, of: str) -> Iterator[str]:
        sides: dict[str, set[str]] = defaultdict(set)
        moved: dict[str, int] = defaultdict(int)
        for line in lines:
            sides[line.account].add(line.side)
            moved[line.account] += line.amount if line.side == "D" else -line.amount
        if any(len(both) == 2 for both in sides.values()):
            yield "SAME_ACCOUNT_BOTH_SIDES"
        if sum(moved.values()):
            yield "VOUCHER_UNBALANCED"
        for code, amount in moved.items():
            account = self.accounts.get(code)
            if account is None:
                yield "ACCOUNT_MISSING"
            elif account.status != "open":
                yield "ACCOUNT_CLOSED" if account.status == "closed" else "ACCOUNT_FROZEN"
            else:
                yield from self._limits(account, amount, held_less if code == of else 0)

    def _limits(self, account: Account, moved: int, held_less: int) -> Iterator[str]:
        if account.policy != "deny":
            return
        gained = moved if account.normal == "D" else -moved
        balance, available = account.balance + gained, account.available + gained + held_less
        if account.minimum is not None and account.minimum > available < account.available:
            yield "LIMIT_MINIMUM"
        if account.maximum is not None and account.maximum < balance > account.balance:
            yield "LIMIT_MAXIMUM"

    def _refusal_of_group(self, event: Group) -> str:
        """What is wrong in advance with any member, else with any on what those before it leave, or would leave."""
        early = ("VOUCHER_UNBALANCED", "SAME_ACCOUNT_BOTH_SIDES", "ACCOUNT_MISSING")
        found = [why for lines in event.members for why in self._refusals(lines, 0, "") if why in early]
        if found:
            return min(found, key=PRECEDENCE.index)
        tried = deepcopy(self)
        for lines in event.members:
            found += tried._refusals(lines, 0, "")
            tried._post("", "transfer", lines)
        return min(found, key=PRECEDENCE.index, default="")

    def _refusal_of_void(self, event: Void) -> str:
        if not self.vouchers.get(event.order):
            waits = self.outcomes.get(event.order, "") in ("", *PARKING)
            return "PREDECESSOR_ABSENT" if waits else "VOUCHER_UNKNOWN"
        original = self.vouchers[event.order][0]
        if original.reversed:
            return "ALREADY_REVERSED"
        if original.kind == "cogs":
            return "COGS_NOT_VOIDABLE"
        return self._refusal_of_lines(_mirror(original.lines))

    # Holds

    def _refusal_of_hold(self, event: Place | Capture | Release) -> str:
        hold = self.holds.get(event.order)
        if isinstance(event, Place):
            if hold is not None:
                return "HOLD_EXISTS"
            account = self.accounts[event.account]
            if account.status != "open":
                return "ACCOUNT_CLOSED" if account.status == "closed" else "ACCOUNT_FROZEN"
            if account.policy == "deny" and account.minimum is not None:
                return "INSUFFICIENT_AVAILABLE" if account.available - event.amount < account.minimum else ""
            return ""
        if hold is None:
            return "HOLD_UNKNOWN"
        if hold.status != "open":
            return f"HOLD_{hold.status.upper()}"
        if isinstance(event, Release):
            return ""
        if event.amount > hold.ceiling - hold.captured:
            return "CAPTURE_EXCEEDS_HOLD"
        return self._refusal_of_lines(self._lines(event, hold), self._given_back(event, hold), hold.account)

    def _do_with_hold(self, event: Place | Capture | Release) -> str:
        if isinstance(event, Place):
            self.holds[event.order] = Hold(event.account, event.amount, event.tolerance_bps)
            self.accounts[event.account].held += event.amount
            return "RECORDED"
        hold = self.holds[event.order]
        account = self.accounts[hold.account]
        if isinstance(event, Release):
            account.held -= hold.left
            hold.status = "released"
            return "RECORDED"
        account.held -= self._given_back(event, hold)
        hold.captured += event.amount
        if event.final or not hold.left:
            hold.status = "captured"
        return self._post(event.event_id, "capture", self._lines(event, hold))

    def _given_back(self, event: Capture, hold: Hold) -> int:
        """How much less is held after this capture."""
        after = replace(hold, captured=hold.captured + event.amount)
        return hold.left - (0 if event.final else after.left)

    def _lines(self, event: Capture, hold: Hold) -> list[Line]:
        """From the account that was held, on the side that lowers it, to the taker."""
        out = "C" if self.accounts[hold.account].normal == "D" else "D"
        return [Line(hold.account, out, event.amount), Line(event.to, "C" if out == "D" else "D", event.amount)]


def _mirror(lines: Sequence[Line]) -> list[Line]:
    return [Line(account, "C" if side == "D" else "D", amount) for account, side, amount in lines]
