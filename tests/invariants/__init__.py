"""What must hold after every run, as programs of their own: plain SQL that knows the tables and none of the code.

`assert_invariants(dsn)` runs all of them; put it at the end of every integration, fault and benchmark run.
"""

from tests.invariants.invariant import Invariant
from tests.invariants.programs import INVARIANTS, assert_invariants, violations

__all__ = ["INVARIANTS", "Invariant", "assert_invariants", "violations"]
