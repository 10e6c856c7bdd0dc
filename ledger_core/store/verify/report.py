"""What verification checks, by name, and what it found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

CHECKS: Final[Mapping[str, str]] = MappingProxyType({
    "positions": "events stand at 1, 2, 3 … up to their book's position",
    "blocks": "blocks follow each other without gap, end with their book, hold no outcome that no reference reaches",
    "block_hashes": "each block's hash is that of its content and of the block before, the book holds the last",
    "block_times": "recorded_at never falls",
    "merkle_roots": "each block's root is that of its events as they are stored",
    "leaf_marks": "the marks of a block, which say where it was changed, are those of its leaves",
    "voucher_numbers": "vouchers, and only they, are numbered 1, 2, 3 … in the order of their positions",
    "vouchers_balanced": "debits equal credits per voucher and currency, lines are numbered 1 … n, n of 2 or more",
    "entries_match_events": "entries are what the lines of their voucher's event say, and nothing else",
    "entry_currencies": "entries are in the currency of their account",
    "entry_order_keys": "entries on keyed accounts, and only they, carry the order key of their event",
    "posting_sequences": "entries of an account are numbered 1, 2, 3 … in the order of their positions",
    "running_balances": "the running balance of each entry is the one before plus or minus its amount",
    "heads": "each account head is what its entries sum up to",
    "trial_balance": "debits equal credits over all accounts of a book in one currency",
    "inbox_to_events": "each upstream event in the inbox has its outcome at the position that the inbox says",
    "events_to_inbox": "each outcome in the log has its upstream event in the inbox",
    "source_offsets": "outcomes and gaps of a partition add up to the offsets consumed",
    "source_counters": "the counters of a partition are the outcomes that the log holds of it",
    "parts": "refunds, disputes, settlements, payouts and fees are what their steps add up to, and so are the sums",
    "exchanges": "payments across currencies are what their events paid, credited and gave back in both",
    "notices": "what services told of a thing is what the events of the log say, each once",
    "subjects": "what is known of each payment is the sum of its events",
    "holds": "each hold is what its events add up to",
    "held_amounts": "what is held of each account is what its open holds keep back",
    "reversals": "each reversal says what it takes back, at most one takes back each, and its lines are the mirror",
    "compensations": "each voucher that makes another one good says which, and the rows of such links say the same",
    "parked_keys": "an order key counts as parked as often as it has parked events waiting",
    "dead_letters": "each refused event has its dead letter with its code, and the reverse; what waits is as received",
    "groups": "members of a group stand behind each other, all of one upstream event, all accepted or none",
    "accounts": "accounts, their status and limits are what their own events say",
    "assets": "assets that were added are what their events in the system book say",
    "charts": "every version of a chart was put in force by an event with the same document",
    "crossings": "each limit told as crossed was crossed by the voucher or hold that is named",
    "merchants": "a merchant's book is active or dropped as its last change says",
    "webhooks": "webhooks of an endpoint are numbered 1, 2, 3 … as it counts them, those published have outcomes",
    "signed_checkpoints": "at each signed checkpoint the log is what was signed, by a key that counts",
    "periods": "periods are what their events say, and nothing was posted into a closed one",
    "closing_balances": "the trial balance that each closing sealed is that of its entries",
    "relay_checkpoints": "nothing was published beyond the end of the log",
})  # fmt: skip
"""Every check by name, in the order of the report, with what it asserts."""


@dataclass(slots=True, frozen=True)
class Check:
    """One check: over how many items it ran, and the first bad one in words (empty when all are well)."""

    name: str
    ok: bool
    checked: int
    first_bad: str


@dataclass(slots=True, frozen=True)
class VerifyReport:
    """The checks that ran, over one snapshot.

    `positions` says how far each book was verified, `starts` up to where it was taken as verified before, `events` how
    many lie between.
    """

    ok: bool
    checks: list[Check]
    positions: Mapping[str, int]
    starts: Mapping[str, int]
    events: int
    seconds: float


@dataclass(slots=True)
class Tally:
    """Counts and first violations while checks run; tallies of shares of the log add up in log order."""

    checked: dict[str, int] = field(default_factory=dict)
    first_bad: dict[str, str] = field(default_factory=dict)

    def count(self, name: str, items: int) -> None:
        self.checked[name] = self.checked.get(name, 0) + items

    def bad(self, name: str, what: str) -> None:
        """Only the first violation of a check is kept: it is where to look."""
        self.first_bad.setdefault(name, what)

    def add(self, later: "Tally") -> None:
        for name, items in later.checked.items():
            self.count(name, items)
        for name, what in later.first_bad.items():
            self.bad(name, what)

    def checks(self, *, every: bool = True) -> list[Check]:
        """Every check, or those that ran."""
        return [self.check(name) for name in CHECKS if every or name in self.checked or name in self.first_bad]

    def check(self, name: str) -> Check:
        """One check."""
        return Check(name, name not in self.first_bad, self.checked.get(name, 0), self.first_bad.get(name, ""))
