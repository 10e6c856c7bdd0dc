"""Accounts under lock: opened, frozen, unfrozen and closed, in one order with the entries that they take or refuse."""

from ledger_core.domain.account_facts import (
    AccountClosed,
    AccountFact,
    AccountFrozen,
    AccountOpened,
    AccountStand,
    AccountUnfrozen,
    Closing,
)
from ledger_core.domain.cases import CLOSED, FROZEN, OPEN, Case, Head, Locked, Movement, Proposal, Ruling
from ledger_core.domain.heads import refuse_lines
from ledger_core.domain.money import MAX_AMOUNT_MINOR
from ledger_core.domain.outcomes import Code, Refusal, first_of
from ledger_core.domain.vouchers import Draft, Line

CLOSED_BY_EVENT = "account_closed/1"
"""The rule of a closing voucher, and its version."""


def misfit(case: Case) -> str | None:
    """Its events stay in order by its code, and what is left goes to another one."""
    fact = _fact(case)
    if fact.account != case.subject_key[1]:
        return "account: not the subject of the event"
    if isinstance(fact, AccountClosed) and fact.closing_to == fact.account:
        return "closing: to the account itself"
    return None


def refuse(case: Case, locked: Locked) -> Refusal | None:
    """By the account's life so far. What has no account yet was refused before."""
    if not case.movements or (case.refusal is not None and not lifts(case, locked)):
        return None
    fact, head = _fact(case), locked.heads[case.movements[0].head]
    if isinstance(fact, AccountOpened):
        return _refuse_opening(fact, head, _stand(case, locked))
    if head.status == CLOSED:
        return Refusal(Code.ACCOUNT_CLOSED, f"{fact.account} is closed")
    if isinstance(fact, AccountFrozen) and head.status == FROZEN:
        return Refusal(Code.ACCOUNT_ALREADY_FROZEN, f"{fact.account} is frozen already")
    if isinstance(fact, AccountUnfrozen) and head.status != FROZEN:
        return Refusal(Code.ACCOUNT_NOT_FROZEN, f"{fact.account} is not frozen")
    return _refuse_closing(case, fact, head, locked) if isinstance(fact, AccountClosed) else None


def lifts(case: Case, locked: Locked) -> bool:
    """What waits for the account that gets the rest waits for nothing once the one to close is closed."""
    return bool(case.movements) and locked.heads[case.movements[0].head].status == CLOSED


def _refuse_opening(fact: AccountOpened, head: Head, stand: AccountStand) -> Refusal | None:
    """An account that is open as asked for is left as it is: the event is one of several that say so."""
    if head.status == CLOSED:
        return Refusal(Code.ACCOUNT_CLOSED, f"{fact.account} is closed")
    terms = stand.terms
    wanted = (fact.type, fact.currency, fact.role, fact.keyed, fact.parent, fact.limits)
    for name, asked, stands in zip(terms._fields, wanted, terms, strict=True):
        if asked is not None and asked != stands:
            return Refusal(Code.ACCOUNT_EXISTS_DIFFERENTLY, f"{fact.account} is open with another {name}")
    return None


def _refuse_closing(case: Case, fact: AccountClosed, head: Head, locked: Locked) -> Refusal | None:
    balance_minor, stand = head.debits_minor - head.credits_minor, _stand(case, locked)
    refusal = refuse_closing(fact, head, stand)
    if refusal is None or fact.closing_to is None or not balance_minor:
        return refusal
    # What keeps the other account from taking the balance may come first.
    return first_of(refusal, refuse_lines(_closing_movements(case, balance_minor, stand.terms.currency), locked))


def refuse_closing(fact: AccountClosed, head: Head, stand: AccountStand) -> Refusal | None:
    """Why an account that is not closed stays so, whatever becomes of its balance."""
    if head.debits_pending_minor or head.credits_pending_minor:
        return Refusal(Code.ACCOUNT_HELD, f"holds keep something of {fact.account} back")
    if head.debits_minor == head.credits_minor:
        return _refuse_keys(fact, stand)
    if fact.closing_to is None:
        return Refusal(Code.ACCOUNT_NOT_ZERO, f"{fact.account} has a balance, and it is not said where it goes")
    if stand.terms.keyed:
        return Refusal(Code.ACCOUNT_NOT_ZERO, f"{fact.account} is kept per order key: bring each to zero first")
    return None


def refuse_sums(case: Case, locked: Locked) -> Refusal | None:
    """One line takes the balance away."""
    head = locked.heads[case.movements[0].head]
    if abs(head.debits_minor - head.credits_minor) > MAX_AMOUNT_MINOR:
        return Refusal(Code.OVERFLOW, "the balance is more than a line can hold")
    return None


def _refuse_keys(fact: AccountClosed, stand: AccountStand) -> Refusal | None:
    """Order keys that cancel each other out: money is owed under one, and lies under another."""
    uneven = min((key for key, balance_minor in stand.uneven.items() if balance_minor), default=None)
    if uneven is None:
        return None
    return Refusal(Code.ACCOUNT_KEYS_NOT_ZERO, f"{fact.account} is not at zero for order key {uneven}")


def propose(case: Case, locked: Locked) -> Proposal:
    """An event of the account's own; of one that closes with a balance, the voucher that takes it away."""
    fact = _fact(case)
    if isinstance(fact, AccountOpened):
        return Proposal(case.draft, ())
    head = locked.heads[case.movements[0].head]
    balance_minor = head.debits_minor - head.credits_minor
    if isinstance(fact, AccountClosed) and balance_minor:
        movements = _closing_movements(case, balance_minor, _stand(case, locked).terms.currency)
        said = {"closes": fact.account, "reason": fact.reason}
        if fact.requested_by:
            said["requested_by"] = fact.requested_by
        draft = Draft("closing", CLOSED_BY_EVENT, [movement.line for movement in movements], said)
        return Proposal(draft, movements, ends=movements[0].head)
    version = _stand(case, locked).version + 1
    return Proposal(Draft("account", "", [], {"version": version}, recorded=True), ())


def _closing_movements(case: Case, balance_minor: int, currency: str) -> list[Movement]:
    """From the account, whose balance it ends, to the other one."""
    sides: tuple[Line, Line] = (
        case.movements[0].line._replace(side="C" if balance_minor > 0 else "D"),
        case.movements[1].line._replace(side="D" if balance_minor > 0 else "C"),
    )
    return [
        movement._replace(line=line._replace(amount_minor=abs(balance_minor), currency=currency))
        for movement, line in zip(case.movements, sides, strict=True)
    ]


def accept(case: Case, locked: Locked) -> None:
    """Writes the status into the head, before a closing voucher is applied: nothing else comes in between."""
    fact = _fact(case)
    if isinstance(fact, AccountOpened):
        return
    key = case.movements[0].head
    head, stand = locked.heads[key], _stand(case, locked)
    stand.version += 1
    if isinstance(fact, AccountClosed):
        if head.debits_minor != head.credits_minor:
            locked.closings.append(Closing(key, fact, stand.version, case.reference))
        head.status = CLOSED
    else:
        head.status = FROZEN if isinstance(fact, AccountFrozen) else OPEN


def add_up(whole: Ruling, locked: Locked) -> None:
    """What an accepted case posts under its order key on accounts that a later event of the batch may close."""
    for ruling in (whole, *whole.followers):
        for key, _, keyed, line in ruling.movements:
            stand = locked.accounts.get(key)
            if stand is not None and keyed:
                order_key = ruling.case.subject_key[1]
                signed = line.amount_minor if line.side == "D" else -line.amount_minor
                stand.uneven[order_key] = stand.uneven.get(order_key, 0) + signed


def _stand(case: Case, locked: Locked) -> AccountStand:
    return locked.accounts[case.movements[0].head]


def _fact(case: Case) -> AccountFact:
    assert isinstance(case.fact, AccountOpened | AccountFrozen | AccountUnfrozen | AccountClosed)
    return case.fact
