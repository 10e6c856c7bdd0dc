"""The life cycle of findings against a model of it, over any sequence of observations."""

from dataclasses import dataclass
from itertools import count

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger_core.store.connection import Role, connect
from projections.reconciliation import Check, scan
from tests.support.databases import TestDatabase

Observed = dict[str, int]
SUBJECTS = st.sampled_from(["a", "b", "c"])
OBSERVATIONS = st.dictionaries(SUBJECTS, st.integers(1, 3))
STEPS = st.lists(st.tuples(OBSERVATIONS, st.booleans()), min_size=1, max_size=6)
_codes = count(1)


@dataclass
class ModelFinding:
    state: str
    amount_minor: int
    reopened: int = 0


def expected(model: dict[str, ModelFinding], observed: Observed, *, complete: bool) -> None:
    """The rules in words: seen means OPEN; not seen by a complete scan means RESOLVED; back means reopened."""
    for subject, amount in observed.items():
        finding = model.setdefault(subject, ModelFinding("OPEN", amount))
        if finding.state == "RESOLVED":
            finding.reopened += 1
        finding.state, finding.amount_minor = "OPEN", amount
    if complete:
        for subject, finding in model.items():
            if subject not in observed:
                finding.state = "RESOLVED"


def stored(admin: psycopg.Connection, code: str) -> dict[str, ModelFinding]:
    rows = admin.execute(
        "SELECT subject, state, amount_minor, reopened FROM reconciliation.finding WHERE code = %s", [code]
    ).fetchall()
    return {subject: ModelFinding(state, amount, reopened) for subject, state, amount, reopened in rows}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_findings_live_as_the_model_says(database: TestDatabase, steps: list[tuple[Observed, bool]]) -> None:
    check = Check(
        code=f"TEST_{next(_codes)}",
        title="",
        what_to_do="",
        observations="SELECT subject, amount_minor, 986::smallint AS asset_id, 'D'::\"char\" AS side, "
        "'{}'::jsonb AS detail FROM public.observed WHERE %(book_id)s = 0",
    )
    # A second check, so that a scan without it is partial; it never observes anything.
    silent = Check(
        code="SILENT",
        title="",
        what_to_do="",
        observations="SELECT subject, amount_minor, 986::smallint AS asset_id, 'D'::\"char\" AS side, "
        "'{}'::jsonb AS detail FROM public.observed WHERE %(book_id)s <> 0",
    )
    model: dict[str, ModelFinding] = {}
    with (
        psycopg.connect(database.dsn(), autocommit=True) as admin,
        connect(database.dsn(), Role.RECONCILER) as connection,
    ):
        admin.execute("CREATE TABLE IF NOT EXISTS public.observed (subject text PRIMARY KEY, amount_minor bigint)")
        admin.execute("GRANT SELECT ON public.observed TO ledger_reconciler")
        for observed, complete in steps:
            admin.execute("DELETE FROM public.observed")
            for subject, amount in observed.items():
                admin.execute("INSERT INTO public.observed VALUES (%s, %s)", (subject, amount))
            only = None if complete else [check.code]
            result = scan(connection, 0, checks=[check, silent], only=only)
            expected(model, observed, complete=complete)
            assert result.complete is complete
            assert stored(admin, check.code) == model
