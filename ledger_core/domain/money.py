"""Amounts: integers in minor units, from 1 to 10^18 - 1, and their exact division."""

MAX_AMOUNT_MINOR = 10**18 - 1
"""Largest amount of one line: 18 digits, so that nine of them still fit a signed 64-bit counter."""

MAX_COUNTER_MINOR = 2**63 - 1
"""Largest counter of an account head (a PostgreSQL bigint)."""

BASIS_POINTS = 10_000
"""Basis points in a whole."""


def part_minor(amount_minor: int, basis_points: int) -> int:
    """A part of an amount, rounded down in minor units; who gets the rest of the amount keeps the remainder.

    This is a platform's commission, too. More parties than one: see `splits`.
    """
    return amount_minor * basis_points // BASIS_POINTS
