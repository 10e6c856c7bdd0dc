"""Limits over whole columns: does any entry of a batch need one to be looked at?

Entries are looked at one by one, vouchers one after another on the exact path: a voucher with both sides on one
account may look worse here than it is, never better.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger_core.domain.money import MAX_COUNTER_MINOR

Int64s = NDArray[np.int64]
NO_MINIMUM = -(2**63)
NO_MAXIMUM = MAX_COUNTER_MINOR


class LimitColumns(NamedTuple):
    """What each locked head allows, in their order. `sign` is 1 where debits raise the balance, else -1; `held_minor`
    is what holds will take. Heads without limits: `denies` and `warns` are both False."""

    minimum_minor: Int64s
    maximum_minor: Int64s
    denies: NDArray[np.bool_]
    warns: NDArray[np.bool_]
    sign: Int64s
    held_minor: Int64s


class RunningColumns(NamedTuple):
    """Entries in the order of their accounts and arrival: the head of each, its amount signed by side (debits
    above zero), and the balance (debits less credits) after it."""

    head: Int64s
    signed_minor: Int64s
    running_minor: Int64s


def reaches_limit(limits: LimitColumns, entries: RunningColumns) -> bool:
    """True when an entry would be refused, or crosses a limit that warns; and whenever the sums could wrap."""
    concerned = (limits.denies | limits.warns)[entries.head]
    if not concerned.any():
        return False
    head = entries.head[concerned]
    sign = limits.sign[head]
    after = entries.running_minor[concerned] * sign
    before = after - entries.signed_minor[concerned] * sign
    held = limits.held_minor[head]
    if int(np.abs(after).max()) + int(np.abs(before).max()) + int(held.max()) > MAX_COUNTER_MINOR:
        return True
    minimum, maximum = limits.minimum_minor[head], limits.maximum_minor[head]
    below, above = after - held < minimum, after > maximum
    refused = limits.denies[head] & ((below & (after < before)) | (above & (after > before)))
    crossed = limits.warns[head] & ((below & (before - held >= minimum)) | (above & (before <= maximum)))
    return bool((refused | crossed).any())
