"""Splits of an amount: parts sum to the whole, and no part is further from exact than its policy says."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_core.domain.money import BASIS_POINTS, MAX_AMOUNT_MINOR, part_minor
from ledger_core.domain.splits import (
    SplitError,
    split_by_basis_points,
    split_by_largest_remainder,
    split_by_ratios,
)

AMOUNTS = st.integers(0, MAX_AMOUNT_MINOR)
PARTIES = st.text("abcdefgh", min_size=1, max_size=3)
RATIOS = st.dictionaries(PARTIES, st.integers(0, 10**12), min_size=1, max_size=12).filter(
    lambda given: any(given.values())
)


@st.composite
def basis_points(draw: st.DrawFn) -> dict[str, int]:
    """Basis points of some parties, up to a whole."""
    parts: dict[str, int] = {}
    for party in draw(st.lists(PARTIES, unique=True, max_size=12)):
        parts[party] = draw(st.integers(0, BASIS_POINTS - sum(parts.values())))
    return parts


# ------------------------------------------------------------------------------------------------- properties
@given(AMOUNTS, basis_points(), PARTIES)
def test_basis_points_round_down_and_the_named_party_gets_the_rest(
    amount: int, parts: dict[str, int], remainder_to: str
) -> None:
    split = split_by_basis_points(amount, parts, remainder_to=remainder_to)
    assert sum(split.values()) == amount
    assert set(split) == set(parts) | {remainder_to}
    for party, points in parts.items():
        exact = Fraction(amount * points, BASIS_POINTS)
        if party != remainder_to:
            assert exact - 1 < split[party] <= exact
    unclaimed = BASIS_POINTS - sum(points for party, points in parts.items() if party != remainder_to)
    surplus = split[remainder_to] - Fraction(amount * unclaimed, BASIS_POINTS)
    assert surplus == 0 or 0 < surplus < len(parts.keys() - {remainder_to})


@given(AMOUNTS, RATIOS, PARTIES)
def test_ratios_round_down_and_the_named_party_gets_the_rest(
    amount: int, ratios: dict[str, int], remainder_to: str
) -> None:
    split = split_by_ratios(amount, ratios, remainder_to=remainder_to)
    whole = sum(ratios.values())
    assert sum(split.values()) == amount
    for party, ratio in ratios.items():
        exact = Fraction(amount * ratio, whole)
        if party != remainder_to:
            assert exact - 1 < split[party] <= exact
    surplus = split[remainder_to] - Fraction(amount * ratios.get(remainder_to, 0), whole)
    assert surplus == 0 or 0 < surplus < len(ratios.keys() - {remainder_to})


@given(AMOUNTS, RATIOS)
def test_by_largest_remainder_each_part_is_within_one_unit_of_exact(amount: int, ratios: dict[str, int]) -> None:
    split = split_by_largest_remainder(amount, ratios)
    whole = sum(ratios.values())
    assert sum(split.values()) == amount
    assert set(split) == set(ratios)
    for party, ratio in ratios.items():
        assert abs(split[party] - Fraction(amount * ratio, whole)) < 1
        assert ratio or split[party] == 0


@given(AMOUNTS, RATIOS)
def test_who_has_more_never_gets_less_by_largest_remainder(amount: int, ratios: dict[str, int]) -> None:
    split = split_by_largest_remainder(amount, ratios)
    for party, ratio in ratios.items():
        assert all(split[party] >= split[other] for other, less in ratios.items() if less < ratio)


@given(AMOUNTS, RATIOS, PARTIES, st.randoms(use_true_random=False))
def test_the_order_of_the_parties_changes_nothing(
    amount: int, ratios: dict[str, int], remainder_to: str, random: object
) -> None:
    shuffled = sorted(ratios.items(), key=lambda _: random.random())  # type: ignore[attr-defined]
    assert split_by_largest_remainder(amount, dict(shuffled)) == split_by_largest_remainder(amount, ratios)
    down = split_by_ratios(amount, ratios, remainder_to=remainder_to)
    assert split_by_ratios(amount, dict(shuffled), remainder_to=remainder_to) == down


@given(AMOUNTS, st.integers(0, BASIS_POINTS))
def test_a_commission_is_the_split_of_one_party(amount: int, points: int) -> None:
    split = split_by_basis_points(amount, {"platform": points}, remainder_to="seller")
    assert split == {"platform": part_minor(amount, points), "seller": amount - part_minor(amount, points)}
    assert split == split_by_ratios(
        amount, {"platform": points, "seller": BASIS_POINTS - points}, remainder_to="seller"
    )


# --------------------------------------------------------------------------------------------------- examples
@pytest.mark.parametrize(
    ("amount", "ratios", "expected"),
    [
        (100, {"a": 1, "b": 1, "c": 1}, {"a": 34, "b": 33, "c": 33}),
        (101, {"a": 1, "b": 1, "c": 1}, {"a": 34, "b": 34, "c": 33}),
        (101, {"c": 1, "b": 1, "a": 1}, {"a": 34, "b": 34, "c": 33}),
        (10, {"a": 1, "b": 5}, {"a": 2, "b": 8}),
        (1, {"a": 1, "b": 2}, {"a": 0, "b": 1}),
        (0, {"a": 1, "b": 2}, {"a": 0, "b": 0}),
        (7, {"a": 0, "b": 2}, {"a": 0, "b": 7}),
        (MAX_AMOUNT_MINOR, {"a": 1, "b": 2}, {"a": 333_333_333_333_333_333, "b": 666_666_666_666_666_666}),
    ],
)
def test_the_units_that_are_left_go_to_those_who_lost_most(
    amount: int, ratios: dict[str, int], expected: dict[str, int]
) -> None:
    assert split_by_largest_remainder(amount, ratios) == expected


@pytest.mark.parametrize(
    ("amount", "parts", "expected"),
    [
        (10_000, {"platform": 1_000}, {"platform": 1_000, "seller": 9_000}),
        (99, {"platform": 1_000, "tax": 333}, {"platform": 9, "tax": 3, "seller": 87}),
        (3, {"platform": 5_000, "seller": 5_000}, {"platform": 1, "seller": 2}),
        (5, {}, {"seller": 5}),
        (0, {"platform": 10_000}, {"platform": 0, "seller": 0}),
    ],
)
def test_what_nobody_claims_is_of_the_named_party(amount: int, parts: dict[str, int], expected: dict[str, int]) -> None:
    assert split_by_basis_points(amount, parts, remainder_to="seller") == expected


@pytest.mark.parametrize(
    ("amount", "weights", "reason"),
    [
        (-1, {"a": 1}, "the amount is negative"),
        (1, {"a": -1, "b": 2}, "the weight of 'a' is negative"),
        (1, {"a": 9_999, "b": 2}, "10001 basis points are more than the whole"),
    ],
)
def test_basis_points_that_cannot_be_split_are_refused(amount: int, weights: dict[str, int], reason: str) -> None:
    with pytest.raises(SplitError, match=reason):
        split_by_basis_points(amount, weights, remainder_to="a")


@pytest.mark.parametrize(
    ("amount", "ratios", "reason"),
    [
        (-1, {"a": 1}, "the amount is negative"),
        (1, {"a": -1, "b": 2}, "the weight of 'a' is negative"),
        (1, {"a": 0}, "the ratios add up to nothing"),
        (1, {}, "the ratios add up to nothing"),
    ],
)
def test_ratios_that_cannot_be_split_are_refused(amount: int, ratios: dict[str, int], reason: str) -> None:
    with pytest.raises(SplitError, match=reason):
        split_by_ratios(amount, ratios, remainder_to="a")
    with pytest.raises(SplitError, match=reason):
        split_by_largest_remainder(amount, ratios)
