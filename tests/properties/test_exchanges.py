"""Payments across currencies: refunds and disputes in any cut and order give back what came, in both currencies.

Played by the real rules and life cycles, without a database.
"""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from consumers.facts import FACTS
from ledger_core.domain.charts import chart_from_document
from schemas.charts import load_chart
from tests.support.exchanges import SELLER, capture_data, step_data
from tests.support.story_desk import KEY, StoryDesk

ASSETS = {"EUR": 978, "JPY": 392, "BHD": 48, "BRL": 986}
SCALES = {"EUR": 2, "JPY": 0, "BHD": 3, "BRL": 2}
CHART = chart_from_document(load_chart())
CHART.scales = SCALES
RATES = {"JPY": "162.4", "BHD": "0.4103", "BRL": "6.1853"}


class ExchangeDesk(StoryDesk):
    """A payment in euros that is credited in another currency."""

    def asset_of(self, currency: str) -> int:
        return ASSETS[currency]

    def tell(self, event_type: str, data: dict[str, object]) -> str:
        return self.play_cases([self.case_of(FACTS[event_type](data))])[0]


def at_rate(paid: int, currency: str) -> int:
    exact = Fraction(paid, 100) * Fraction(RATES[currency]) * Fraction(10) ** SCALES[currency]
    return max(int(exact), 1)


def captured(desk: ExchangeDesk, paid: int, currency: str) -> int:
    credited = at_rate(paid, currency)
    quote = {
        "rate": RATES[currency], "base": "EUR", "counter": currency, "provider": "bank", "source": "desk",
        "quoted_at": "2026-10-03T14:59:41Z",
    }  # fmt: skip
    data = capture_data(KEY, paid, credited, currencies=("EUR", currency), quote=quote)
    assert desk.tell("payment.captured.v1", data) == "POSTED"
    return credited


@st.composite
def cuts(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Captures, and how all that they took goes back, piece by piece."""
    captures = draw(st.lists(st.integers(50, 10_000), min_size=1, max_size=3))
    pieces: list[int] = []
    left = sum(captures)
    while left:
        pieces.append(draw(st.integers(1, left)) if len(pieces) < 12 else left)
        left -= pieces[-1]
    return captures, draw(st.permutations(pieces))


@given(cuts(), st.sampled_from(list(RATES)), st.data())
def test_whatever_the_cut_the_whole_gives_back_exactly_what_came(
    cut: tuple[list[int], list[int]], currency: str, data: st.DataObject
) -> None:
    desk = ExchangeDesk(chart=CHART)
    captures, pieces = cut
    credited = sum([captured(desk, paid, currency) for paid in captures])
    whole = Fraction(credited, sum(captures))
    back = 0
    for number, paid in enumerate(pieces):
        kind, name = data.draw(
            st.sampled_from([("payment.refunded", "refund_id"), ("chargeback.opened", "chargeback_id")])
        )
        said = {**step_data(KEY, paid, currencies=("EUR", currency)), name: f"x-{number}"}
        assert desk.tell(f"{kind}.v1", said) == "POSTED"
        if data.draw(st.integers(0, 3)) == 0 and kind == "chargeback.opened":
            won: dict[str, object] = {
                "payment_id": KEY,
                name: f"x-{number}",
                "amount_minor": str(paid),
                "currency": "EUR",
            }
            assert desk.tell("chargeback.won.v1", won) == "POSTED"
            again = step_data(KEY, paid, currencies=("EUR", currency), refund_id=f"again-{number}")
            assert desk.tell("payment.refunded.v1", again) == "POSTED"
        back += paid
        # Less than a unit from exact at any time: nobody named what the sellers bear, so all of it is in suspense.
        in_suspense = desk.balances().get(f"suspense:orders:{currency}", 0)
        assert 0 <= whole * back - in_suspense < 1
    balances = desk.balances()
    assert balances.get("trading:EUR", 0) == 0
    assert balances.get(f"trading:{currency}", 0) == 0
    assert balances.get(f"suspense:orders:{currency}", 0) == credited
    assert balances.get(SELLER, 0) == -credited
    assert balances.get("clearing:processor:EUR", 0) + balances.get("reserve:chargebacks:EUR", 0) == 0


@given(cuts(), st.sampled_from(list(RATES)))
def test_in_another_order_the_same_refunds_leave_the_same_sums(cut: tuple[list[int], list[int]], currency: str) -> None:
    captures, pieces = cut
    some = pieces[: len(pieces) // 2 + 1]
    sums = []
    for order in (some, some[::-1]):
        desk = ExchangeDesk(chart=CHART)
        for paid in captures:
            captured(desk, paid, currency)
        for number, paid in enumerate(order):
            said = step_data(KEY, paid, currencies=("EUR", currency), refund_id=f"{number}")
            assert desk.tell("payment.refunded.v1", said) == "POSTED"
        sums.append(desk.balances())
    assert sums[0] == sums[1]
