"""What the stateful test of the complete ledger draws: accounts, amounts, days, lines and splits."""

from hypothesis import strategies as st

from tests.models import complete as plain
from tests.models.complete.events import TODAY

WALLETS = ("wallet:seller:1", "wallet:seller:2", "wallet:seller:3", "wallet:seller:4")
VAULTS = ("vault:1", "vault:2", "vault:3")
CASH = "vault:cash"
FOREIGN = {"USD": "wallet:seller:dollars", "JPY": "wallet:seller:yen", "GRAIN": "wallet:seller:gold"}
"""An account in each of the currencies that are exchanged; these have 2, 0 and 9 decimals."""
RATES = {"USD": ("2", "0.5", "1.9"), "JPY": ("160", "0.00625", "161"), "GRAIN": ("2.5", "0.4", "0.25")}
"""Of one for euros: at which it is exchanged, the inverse of that, and one that is neither."""

amounts = st.sampled_from([1, 30, 50, 70, 100])
days = st.sampled_from([TODAY] * 8 + ["2021-01-15", "2021-02-15", "2021-03-15"])
takers = st.sampled_from([*WALLETS * 4, *VAULTS])


def seldom(draw: st.DrawFn, otherwise: int = 19) -> bool:
    """True once in so many times and one."""
    return draw(st.sampled_from([False] * otherwise + [True]))


def lines(draw: st.DrawFn) -> tuple[plain.Line, ...]:
    """Nearly always balanced, in euros, and from another account than it goes to; half of it from cash."""
    giver = draw(st.sampled_from([CASH] * 5 + [*WALLETS, VAULTS[0]]))
    parts = draw(st.lists(st.tuples(takers, amounts), min_size=1, max_size=3))
    if not seldom(draw):
        parts = [(CASH if taker == giver else taker, amount) for taker, amount in parts]
    currency = "USD" if seldom(draw) else "EUR"
    total = sum(amount for _, amount in parts) - seldom(draw)
    shares = [plain.Line(taker, "C", amount, currency) for taker, amount in parts]
    return (plain.Line(giver, "D", total or 1, currency), *shares)


def splits(draw: st.DrawFn) -> tuple[plain.Split, ...]:
    """Often of so little that some get nothing."""
    return tuple(
        plain.Split(
            draw(amounts),
            tuple(draw(st.dictionaries(takers, st.sampled_from([1, 1, 2, 3, 7]), min_size=1, max_size=3)).items()),
            draw(st.sampled_from(["", "", *WALLETS[:2]])),
        )
        for _ in range(draw(st.sampled_from([1, 1, 2])))
    )
