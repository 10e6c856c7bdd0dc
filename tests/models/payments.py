"""A small ledger in plain Python that says what should come of payment events. It imports nothing of the product.

One event at a time, in the order they came; queues drain at once. Amounts are integers, accounts are names.
"""

from collections import defaultdict
from dataclasses import dataclass, field

Entry = tuple[str, str, int]
"""Account, side (D or C), amount."""


@dataclass(frozen=True)
class Event:
    """An upstream event. `to` takes `part` of the amount, of which the platform keeps `bps` basis points."""

    kind: str
    order: str
    event_id: str
    amount: int = 0
    currency: str = "EUR"
    to: str = ""
    part: int = 0
    bps: int = 0
    payer: str = ""


@dataclass
class Payment:
    """What is known of an order key."""

    authorised: int = 0
    captured: int = 0
    refunded: int = 0
    left: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """What was captured and did not go back, by the account that paid; '' for the processor."""
    currency: str = ""
    voided: bool = False
    captures: list[list[Entry]] = field(default_factory=list)
    queue: list[Event] = field(default_factory=list)


@dataclass
class Model:
    """`accounts` are the ones that exist, with their currency; wallets open when they are first named."""

    accounts: dict[str, str] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    payments: dict[str, Payment] = field(default_factory=lambda: defaultdict(Payment))
    decided: dict[str, Event] = field(default_factory=dict)
    conflicts: set[tuple[str, Event]] = field(default_factory=set)
    outcomes: dict[str, str] = field(default_factory=dict)
    vouchers: dict[str, list[Entry]] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        if event.event_id in self.decided:
            if self.decided[event.event_id] != event:
                self.conflicts.add((event.event_id, event))
            return
        self.decided[event.event_id] = event
        payment = self.payments[event.order]
        for account, _, _ in self._lines(event):
            if account.startswith("wallet:"):
                self.accounts.setdefault(account, event.currency)
        if payment.queue and not self._heals(event, payment.queue[0]):
            self._park(event, "ORDER_KEY_PARKED")
            return
        self._decide_and_file(event)
        self._drain(payment)

    def unfreeze(self, account: str) -> None:
        """Opens an account again; whoever waited goes on."""
        self.frozen.discard(account)
        for payment in self.payments.values():
            self._drain(payment)

    def open(self, account: str, currency: str) -> None:
        """An account that does not open on the fly; whoever waited goes on."""
        self.accounts.setdefault(account, currency)
        for payment in self.payments.values():
            self._drain(payment)

    def balances(self) -> dict[str, int]:
        totals: dict[str, int] = defaultdict(int)
        for entries in self.vouchers.values():
            for account, side, amount in entries:
                totals[account] += amount if side == "D" else -amount
        return dict(totals)

    # One event

    def _decide_and_file(self, event: Event) -> bool:
        """True when it has an outcome other than waiting."""
        refusal = self._refusal(event)
        if refusal in ("PREDECESSOR_ABSENT", "ACCOUNT_FROZEN", "ACCOUNT_MISSING"):
            if event not in self.payments[event.order].queue:
                self._park(event, refusal)
            return False
        self.outcomes[event.event_id] = refusal or self._accept(event)
        return True

    def _park(self, event: Event, why: str) -> None:
        self.outcomes[event.event_id] = why
        self.payments[event.order].queue.append(event)

    def _refusal(self, event: Event) -> str:
        payment = self.payments[event.order]
        if event.kind == "void":
            if payment.voided:
                return "ALREADY_VOIDED"
            if not payment.authorised and not payment.captured:
                return "PREDECESSOR_ABSENT"
            if payment.refunded:
                return "VOID_AFTER_REFUND"
        elif event.kind != "payout":
            if payment.currency not in ("", event.currency):
                return "CURRENCY_MISMATCH"
            if payment.voided:
                return "PAYMENT_VOIDED"
            if event.kind == "refund" and not payment.captured:
                return "PREDECESSOR_ABSENT"
            if event.kind == "refund" and event.amount > payment.left[event.payer]:
                return "REFUND_EXCEEDS_CAPTURED"
        return self._refusal_of_lines(event)

    def _refusal_of_lines(self, event: Event) -> str:
        entries = self._entries(event)
        sides: dict[str, set[str]] = defaultdict(set)
        for account, side, _ in entries:
            sides[account].add(side)
        if event.kind != "void" and any(len(both) == 2 for both in sides.values()):
            return "SAME_ACCOUNT_BOTH_SIDES"
        if any(account not in self.accounts for account, _, _ in entries):
            return "ACCOUNT_MISSING"
        if any(self.accounts[account] != self._currency(event) for account, _, _ in entries):
            return "ACCOUNT_CURRENCY_MISMATCH"
        if any(account in self.frozen for account, _, _ in entries):
            return "ACCOUNT_FROZEN"
        return ""

    def _accept(self, event: Event) -> str:
        payment = self.payments[event.order]
        entries = self._entries(event)
        if event.kind == "authorize":
            payment.authorised += event.amount
            payment.currency = event.currency
        elif event.kind == "capture":
            payment.captured += event.amount
            payment.left[event.payer] += event.amount
            payment.currency = event.currency
            payment.captures.append(entries)
        elif event.kind == "refund":
            payment.refunded += event.amount
            payment.left[event.payer] -= event.amount
        elif event.kind == "void":
            payment.voided = True
        if not entries:
            return "RECORDED"
        self.vouchers[event.event_id] = entries
        return "POSTED"

    # Lines

    def _currency(self, event: Event) -> str:
        return self.payments[event.order].currency if event.kind == "void" else event.currency

    def _entries(self, event: Event) -> list[Entry]:
        if event.kind == "void":
            originals = [entry for entries in self.payments[event.order].captures for entry in entries]
            return [(account, "C" if side == "D" else "D", amount) for account, side, amount in originals]
        return self._lines(event)

    def _lines(self, event: Event) -> list[Entry]:
        """Control accounts open when a line needs them, so they count as known."""
        if event.kind in ("authorize", "void"):
            return []
        if event.kind == "payout":
            return self._known(
                [(event.to, "D", event.amount), (f"cash:bank:{event.currency}", "C", event.amount)], event
            )
        payer = event.payer or f"clearing:processor:{event.currency}"
        fee = event.part * event.bps // 10_000
        rest = event.amount - event.part
        paying, sharing = ("D", "C") if event.kind == "capture" else ("C", "D")
        lines = [(payer, paying, event.amount)]
        if event.part > fee:
            lines.append((event.to, sharing, event.part - fee))
        if fee:
            lines.append((f"revenue:commission:{event.currency}", sharing, fee))
        if rest:
            lines.append((f"suspense:orders:{event.currency}", sharing if rest > 0 else paying, abs(rest)))
        return self._known(lines, event)

    def _known(self, lines: list[Entry], event: Event) -> list[Entry]:
        for account, _, _ in lines:
            if account.startswith(("cash:", "clearing:", "revenue:", "suspense:")):
                self.accounts.setdefault(account, event.currency)
        return lines

    # Queues

    def _heals(self, event: Event, head: Event) -> bool:
        payment = self.payments[head.order]
        if self._refusal(head) != "PREDECESSOR_ABSENT":
            return False
        if head.kind == "void":
            return event.kind in ("authorize", "capture") and not payment.captured
        return event.kind == "capture"

    def _drain(self, payment: Payment) -> None:
        while payment.queue:
            head = payment.queue[0]
            leaving = [head, *(event for event in payment.queue if self._heals(event, head))]
            gone = next((event for event in leaving if self._decide_and_file(event)), None)
            if gone is None:
                return
            payment.queue.remove(gone)
