"""What lines may do to the accounts that they touch."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tests.models.complete.books import CONTROLS, Account, Books, Refusal, first
from tests.models.complete.events import Line


def refuse_form(lines: Sequence[Line]) -> Iterator[Refusal]:
    """What is wrong with lines by themselves."""
    sides: dict[str, set[str]] = defaultdict(set)
    sums: dict[str, int] = defaultdict(int)
    for line in lines:
        sides[line.account].add(line.side)
        sums[line.currency] += line.amount if line.side == "D" else -line.amount
    if any(len(both) == 2 for both in sides.values()):
        yield Refusal("SAME_ACCOUNT_BOTH_SIDES")
    if any(sums.values()):
        yield Refusal("VOUCHER_UNBALANCED")


def refuse_missing(books: Books, lines: Sequence[Line]) -> Iterator[Refusal]:
    for line in lines:
        for beginning, type_ in CONTROLS.items():
            if line.account.startswith(beginning):
                books.accounts.setdefault(line.account, Account(type_, line.currency))
        if line.account not in books.accounts:
            yield Refusal("ACCOUNT_MISSING", f"account:{line.account}")


def refuse_early(books: Books, lines: Sequence[Line]) -> Iterator[Refusal]:
    """What is known before a lock."""
    yield from refuse_form(lines)
    yield from refuse_missing(books, lines)


def refuse(
    books: Books, lines: Sequence[Line], day: str, *, held_less: int = 0, of: str = "", mirror: bool = False
) -> Refusal | None:
    """The first in precedence; `held_less` is what a capture gives back of the hold on account `of` as it posts."""
    early = first(iter([] if mirror else refuse_early(books, lines)))
    if early is not None:
        return early
    return first(_refuse_late(books, lines, day, held_less, of))


def _refuse_late(books: Books, lines: Sequence[Line], day: str, held_less: int, of: str) -> Iterator[Refusal]:
    moved: dict[str, int] = defaultdict(int)
    for line in lines:
        yield from refuse_status(books.accounts[line.account], line)
        moved[line.account] += line.amount if line.side == "D" else -line.amount
    for code, amount in moved.items():
        yield from _limits(books.accounts[code], amount, held_less if code == of else 0)
    if day <= books.closed and not books.redirects:
        yield Refusal("PERIOD_CLOSED", "period")


def refuse_status(account: Account, line: Line) -> Iterator[Refusal]:
    """What no line may go against, posted or held."""
    if account.currency != line.currency:
        yield Refusal("ACCOUNT_CURRENCY_MISMATCH")
    if account.status == "closed":
        yield Refusal("ACCOUNT_CLOSED")
    if account.status == "frozen":
        yield Refusal("ACCOUNT_FROZEN", f"account:{line.account}")


def _limits(account: Account, moved: int, held_less: int) -> Iterator[Refusal]:
    if account.policy != "deny":
        return
    gained = moved if account.normal == "D" else -moved
    balance, available = account.balance + gained, account.available + gained + held_less
    if account.minimum is not None and account.minimum > available < account.available:
        yield Refusal("LIMIT_MINIMUM")
    if account.maximum is not None and account.maximum < balance > account.balance:
        yield Refusal("LIMIT_MAXIMUM")
