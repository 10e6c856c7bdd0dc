"""Exact splits of an amount among parties: by basis points or by ratios. The parts always sum to the whole.

Two policies, and no third:

- **down**: every part is rounded down in minor units and one named party keeps the remainder. Part i is
  floor(amount × weight_i / whole), so it is less than one unit below exact. The named party is above exact by what
  the others lost: by fewer units than there are others.
- **largest remainder** (Hamilton's method): every part is rounded down, then the units that are left go one each to the
  parties that lost most. Each part is within one unit of exact; where two lost the same, the name that comes
  first in the order of code points gets the unit.

Each is a function of the amount and of who gets what weight: the order in which parties are given changes nothing
but the order in which the answer lists them.
"""

from collections.abc import Mapping

from ledger_core.domain.money import BASIS_POINTS, part_minor


class SplitError(ValueError):
    """An amount or weights that cannot be split; the message says which."""


def split_by_basis_points(amount_minor: int, parts: Mapping[str, int], *, remainder_to: str) -> dict[str, int]:
    """Parts of an amount in minor units by basis points, each rounded down; `remainder_to` gets all that is left.

    The basis points may add up to less than a whole: what nobody claims is part of the remainder. `remainder_to`
    may have basis points of its own, or stand in `parts` not at all. Raises SplitError.
    """
    _check(amount_minor, parts)
    claimed = sum(parts.values())
    if claimed > BASIS_POINTS:
        message = f"{claimed} basis points are more than the whole, which has {BASIS_POINTS}"
        raise SplitError(message)
    rounded = {party: part_minor(amount_minor, basis_points) for party, basis_points in parts.items()}
    return _with_remainder(amount_minor, rounded, remainder_to)


def split_by_ratios(amount_minor: int, ratios: Mapping[str, int], *, remainder_to: str) -> dict[str, int]:
    """Parts of an amount in minor units as the ratios stand to their sum, each rounded down.

    `remainder_to`, one of the parties or another, gets what is left: less than one unit for each of them. Raises
    SplitError.
    """
    whole = _whole(amount_minor, ratios)
    rounded = {party: amount_minor * ratio // whole for party, ratio in ratios.items()}
    return _with_remainder(amount_minor, rounded, remainder_to)


def split_by_largest_remainder(amount_minor: int, ratios: Mapping[str, int]) -> dict[str, int]:
    """Parts of an amount in minor units as the ratios stand to their sum, each within one unit of exact.

    A party of ratio zero gets nothing. Raises SplitError.
    """
    whole = _whole(amount_minor, ratios)
    parts = {party: amount_minor * ratio // whole for party, ratio in ratios.items()}
    left = amount_minor - sum(parts.values())
    most_lost_first = sorted(ratios, key=lambda party: (-(amount_minor * ratios[party] % whole), party))
    for party in most_lost_first[:left]:
        parts[party] += 1
    return parts


def _with_remainder(amount_minor: int, rounded: dict[str, int], remainder_to: str) -> dict[str, int]:
    remainder = amount_minor - sum(rounded.values())
    rounded[remainder_to] = rounded.get(remainder_to, 0) + remainder
    return rounded


def _whole(amount_minor: int, ratios: Mapping[str, int]) -> int:
    _check(amount_minor, ratios)
    whole = sum(ratios.values())
    if whole == 0:
        message = "the ratios add up to nothing"
        raise SplitError(message)
    return whole


def _check(amount_minor: int, weights: Mapping[str, int]) -> None:
    if amount_minor < 0:
        message = "the amount is negative"
        raise SplitError(message)
    for party, weight in weights.items():
        if weight < 0:
            message = f"the weight of {party!r} is negative"
            raise SplitError(message)
