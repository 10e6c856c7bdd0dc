"""The states that lists are asked for by are those that can be, and those that analysts read of."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from ledger_core.domain.parts import BITS, Part, PartKind, state_of
from projections.queries.states import FeeState, PayoutState, RefundState, TransferState

MIGRATIONS = Path(__file__).parents[3] / "schemas" / "sql" / "migrations"
STEPS = 6
FEW = (0, 1, 3)
BEFORE_ANYTHING = "NONE"
TAKEN_BACK = {"TAKEN_BACK"}


@pytest.mark.parametrize(
    ("kind", "states"), [(PartKind.REFUND, RefundState), (PartKind.PAYOUT, PayoutState), (PartKind.FEE, FeeState)]
)
def test_every_state_to_which_steps_lead_can_be_asked_for(kind: PartKind, states: type[StrEnum]) -> None:
    told = [first << BITS * one | second << BITS * other for one in range(STEPS) for other in range(STEPS)
            for first in FEW for second in FEW if one != other]  # fmt: skip
    reached = {state_of(kind, Part(told=count)).value for count in told}
    assert reached - {BEFORE_ANYTHING} == {state.value for state in states} - TAKEN_BACK


@pytest.mark.parametrize(
    ("view", "states"),
    [("refund", RefundState), ("payout", PayoutState), ("fee", FeeState), ("transfer", TransferState)],
)
def test_the_column_of_the_view_names_the_same_states(view: str, states: type[StrEnum]) -> None:
    sql = "".join(path.read_text("utf-8") for path in sorted(MIGRATIONS.glob("*.sql")))
    said = re.findall(rf"COMMENT ON COLUMN read\.{view}\.state IS '([^']*)'", sql)[-1]
    assert set(re.findall(r"[A-Z_]{3,}", said)) == {state.value for state in states}
