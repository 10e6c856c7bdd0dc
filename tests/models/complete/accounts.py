"""Accounts by event: opened, frozen, unfrozen, closed."""

from collections.abc import Iterator

from tests.models.complete import lines
from tests.models.complete.books import Account, Books, Refusal, first
from tests.models.complete.events import AccountEvent, CloseAccount, Freeze, Line, OpenAccount, Unfreeze


def open_in_advance(books: Books, event: OpenAccount) -> None:
    """Accounts that events of a batch open are there before the batch."""
    books.accounts.setdefault(event.order, Account(event.type, event.currency))


def refuse(books: Books, event: AccountEvent) -> Refusal | None:
    wanted = [event.order, event.to] if isinstance(event, CloseAccount) and event.to else [event.order]
    known = books.accounts.get(event.order)
    if known is not None and known.status == "closed":
        return Refusal("ACCOUNT_CLOSED")
    for code in wanted:
        if code not in books.accounts:
            return Refusal("ACCOUNT_MISSING", f"account:{code}")
    return first(_refuse(books, event, books.accounts[event.order]))


def _refuse(books: Books, event: AccountEvent, account: Account) -> Iterator[Refusal | None]:
    if isinstance(event, OpenAccount) and (account.type, account.currency) != (event.type, event.currency):
        yield Refusal("ACCOUNT_EXISTS_DIFFERENTLY")
    if isinstance(event, Freeze) and account.status == "frozen":
        yield Refusal("ACCOUNT_ALREADY_FROZEN")
    if isinstance(event, Unfreeze) and account.status != "frozen":
        yield Refusal("ACCOUNT_NOT_FROZEN")
    if isinstance(event, CloseAccount):
        if account.held:
            yield Refusal("ACCOUNT_HELD")
        if account.balance and not event.to:
            yield Refusal("ACCOUNT_NOT_ZERO")
        if account.balance and event.to:
            yield lines.refuse(books, _closing_lines(account, event), event.day)


def accept(books: Books, event: AccountEvent) -> str:
    account = books.accounts[event.order]
    outcome = "RECORDED"
    if isinstance(event, CloseAccount):
        if account.balance:
            books.post(event.event_id, event.order, "closing", _closing_lines(account, event), event.day)
            outcome = "POSTED"
        account.status = "closed"
    elif isinstance(event, Freeze):
        account.status = "frozen"
    elif isinstance(event, Unfreeze):
        account.status = "open"
    return outcome


def _closing_lines(account: Account, event: CloseAccount) -> list[Line]:
    """What is left goes to another account."""
    debit = account.debits > account.credits
    amount = abs(account.balance)
    return [
        Line(event.order, "C" if debit else "D", amount, account.currency),
        Line(event.to, "D" if debit else "C", amount, account.currency),
    ]
