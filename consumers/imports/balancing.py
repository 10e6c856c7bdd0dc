"""What a transaction's postings weigh: amounts left out are inferred, and what does not balance is a fault.

The rules are those of the program whose journal it is. Afterwards every posting has an amount, exactly.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from consumers.imports.model import (
    EXACT,
    Amount,
    Assertion,
    Fault,
    Holding,
    ImportFaultsError,
    Journal,
    Posting,
    Transaction,
)

Sums = dict[str, Decimal]
"""Per commodity."""
Tolerance = Callable[[Sequence[Posting], str], Decimal]
"""How much a transaction may be out in a commodity."""

HALF = Decimal("0.5")


def rounds_to_zero(postings: Sequence[Posting], commodity: str) -> Decimal:
    """hledger and ledger: half a unit of the most exact amount of the commodity in the transaction."""
    return EXACT.scaleb(HALF, -max(_places(postings, commodity), default=0))


def half_a_unit(postings: Sequence[Posting], commodity: str) -> Decimal:
    """beancount: half a unit of the least exact amount of the commodity that has decimals, else nothing."""
    places = [number for number in _places(postings, commodity) if number]
    return EXACT.scaleb(HALF, -min(places)) if places else Decimal(0)


def balanced(journal: Journal, tolerance: Tolerance, *, implied_exchange: bool) -> list[Transaction]:
    """Every transaction with all its amounts, in the order of the file. Raises `ImportFaultsError`.

    With `implied_exchange` two commodities that stand against each other without a price are an exchange.
    """
    faults: list[Fault] = []
    whole = [_balance(transaction, tolerance, implied_exchange, faults) for transaction in journal.transactions]
    if faults:
        raise ImportFaultsError(faults, "IMPORT_UNBALANCED")
    _check_assertions(whole, journal.assertions)
    _check_holdings(sorted(whole, key=lambda transaction: transaction.day))
    return whole


def _balance(
    transaction: Transaction, tolerance: Tolerance, implied_exchange: bool, faults: list[Fault]
) -> Transaction:
    weights = sums_of(posting.weight or posting.amount for posting in transaction.postings if not posting.virtual)
    left_out = [posting for posting in transaction.postings if posting.amount is None]
    if len(left_out) > 1 or any(posting.virtual for posting in left_out):
        faults.append(Fault(left_out[-1].line, "this amount cannot be inferred: one posting at most may leave it out"))
        return transaction
    if left_out:
        return replace(transaction, postings=tuple(_inferred(transaction.postings, weights)))
    out = {
        commodity: number
        for commodity, number in weights.items()
        if abs(number) > tolerance(transaction.postings, commodity)
    }
    if out and not (implied_exchange and _is_exchange(transaction, out)):
        text = ", ".join(f"{number} {commodity}".strip() for commodity, number in sorted(out.items()))
        faults.append(Fault(transaction.line, f"the transaction is out by {text}"))
    return transaction


def _is_exchange(transaction: Transaction, out: Sums) -> bool:
    if len(out) != 2 or any(posting.weight for posting in transaction.postings):
        return False
    one, other = out.values()
    return (one > 0) != (other > 0)


def _inferred(postings: Iterable[Posting], weights: Sums) -> Iterable[Posting]:
    """The posting without an amount takes what the others weigh, one posting for each commodity."""
    for posting in postings:
        if posting.amount is not None:
            yield posting
            continue
        for commodity, number in weights.items():
            if number:
                yield replace(posting, amount=Amount(EXACT.minus(number), commodity))


def _check_assertions(transactions: Iterable[Transaction], assertions: Sequence[Assertion]) -> None:
    """What the file says that accounts hold on some mornings, against what was posted before."""
    faults: list[Fault] = []
    held: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    waiting = iter(sorted(transactions, key=lambda transaction: transaction.day))
    following = next(waiting, None)
    for assertion in sorted(assertions, key=lambda assertion: assertion.day):
        while following is not None and following.day < assertion.day:
            for posting in following.postings:
                if posting.amount is not None:
                    key = posting.account, posting.amount.commodity
                    held[key] = EXACT.add(held[key], posting.amount.number)
            following = next(waiting, None)
        wanted, below = assertion.amount, f"{assertion.account}:"
        found = sum(
            number
            for (account, commodity), number in held.items()
            if commodity == wanted.commodity and (account == assertion.account or account.startswith(below))
        )
        if abs(found - wanted.number) > EXACT.scaleb(Decimal(1), -wanted.places):
            faults.append(Fault(assertion.line, f"{assertion.account} holds {found} {wanted.commodity}"))
    if faults:
        raise ImportFaultsError(faults, "IMPORT_UNBALANCED")


def _check_holdings(transactions: Iterable[Transaction]) -> None:
    """What the file says that accounts hold after some postings, as hledger reads it: by days, with virtual ones."""
    faults: list[Fault] = []
    held: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for posting in (posting for transaction in transactions for posting in transaction.postings):
        if posting.amount is not None:
            key = posting.account, posting.amount.commodity
            held[key] = EXACT.add(held[key], posting.amount.number)
        if posting.holds is not None and (found := _unlike(posting.account, posting.holds, held)):
            said = ", ".join(f"{number} {commodity}".strip() for commodity, number in sorted(found.items()))
            faults.append(Fault(posting.line, f"{posting.account} holds {said}"))
    if faults:
        raise ImportFaultsError(faults, "IMPORT_UNBALANCED")


def _unlike(account: str, holds: Holding, held: Mapping[tuple[str, str], Decimal]) -> Sums:
    """What the account holds in the commodities in which it does not hold what it should; empty where all is right."""
    wanted, below = holds.amount, f"{account}:"
    found: Sums = {wanted.commodity: Decimal(0)}
    for (name, commodity), number in held.items():
        counts = name == account or (holds.below and name.startswith(below))
        if counts and (holds.alone or commodity == wanted.commodity):
            found[commodity] = EXACT.add(found.get(commodity, Decimal(0)), number)
    due = {wanted.commodity: wanted.number}
    return {commodity: number for commodity, number in found.items() if number != due.get(commodity, 0)}


def sums_of(amounts: Iterable[Amount | None]) -> Sums:
    """Exact sums per commodity, in the order in which commodities come; those that are zero, too."""
    sums: Sums = {}
    for amount in amounts:
        if amount is not None:
            sums[amount.commodity] = EXACT.add(sums.get(amount.commodity, Decimal(0)), amount.number)
    return sums


def _places(postings: Sequence[Posting], commodity: str) -> list[int]:
    return [posting.amount.places for posting in postings if posting.amount and posting.amount.commodity == commodity]
