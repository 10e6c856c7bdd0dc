"""Accounts that events name and this process does not know yet: looked up, opened, or still to open."""

from collections import defaultdict
from collections.abc import Sequence

from ledger_core.domain.account_facts import AccountOpened
from ledger_core.domain.cases import Movement
from ledger_core.domain.custody import FOLLOWS
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.vouchers import Line
from ledger_core.store.assets import Assets
from ledger_core.store.books import AccountRef, Books
from ledger_core.store.items import Item
from ledger_core.store.openings import opening_of
from ledger_core.store.unopened import UnopenedAccounts, opening_by_chart


def look_up(books: Books, items: Sequence[Item]) -> None:
    """Those that are open by now."""
    of_code = {item.book.code: item.book for item in items}
    for code, currencies in _named(items).items():
        book = of_code[code]
        books.look_up(book, [account for account in currencies if account not in book.accounts])


def open_by_event(books: Books, items: Sequence[Item]) -> None:
    """Those that events open, unless they are open already: the exact path compares."""
    for item in items:
        fact = item.fact
        if not isinstance(fact, AccountOpened) or fact.account != item.incoming.order_key:
            continue
        if fact.account not in item.book.accounts:
            books.open(item.book, [opening_of(fact, item.book.chart)])


def open_by_chart(books: Books, items: Sequence[Item]) -> None:
    """Those that the chart lets open, for items that are as good as posted."""
    of_code = {item.book.code: item.book for item in items}
    for code, currencies in _named(items).items():
        books.find_accounts(of_code[code], currencies)


def take_lines(item: Item, unopened: UnopenedAccounts, assets: Assets) -> None:
    """The movements of an item's lines, or what account it waits for."""
    assert item.draft is not None
    refs = {line.account: _ref(item, line, unopened, assets) for line in item.draft.lines}
    missing = [account for account, ref in refs.items() if ref is None]
    # What follows a payment in direct custody posts without its beneficiaries' accounts: known under lock.
    if not missing or isinstance(item.fact, FOLLOWS):
        item.movements = [
            Movement(ref.head, assets[line.currency], ref.keyed, line)
            for line in item.draft.lines
            if (ref := refs[line.account]) is not None
        ]
    if missing:
        item.refusal = Refusal(Code.ACCOUNT_MISSING, f"there is no account {missing[0]}", f"account:{missing[0]}")


def _ref(item: Item, line: Line, unopened: UnopenedAccounts, assets: Assets) -> AccountRef | None:
    """The account of a line, open or still to open; None where there is none, and none will open."""
    ref = item.book.accounts.get(line.account)
    if ref is not None:
        return ref
    opening = opening_by_chart(item.book, line.account, line.currency, assets)
    return None if opening is None else unopened.ref(item.book, opening, assets)


def _named(items: Sequence[Item]) -> dict[str, dict[str, str]]:
    """By book, the accounts that these items name; the first to name one says its currency."""
    named: dict[str, dict[str, str]] = defaultdict(dict)
    for item in items:
        assert item.draft is not None
        for line in item.draft.lines:
            named[item.book.code].setdefault(line.account, line.currency)
    return named
