"""What one run of the demo comes to, read from the books that it made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, LiteralString

import psycopg

from api.cli.stores import Store
from ledger_core.store.connection import Role
from ledger_core.store.verify import VerifyReport

OUTCOMES: Final[LiteralString] = """
    SELECT coalesce(sum(posted), 0)::bigint, coalesce(sum(recorded), 0)::bigint, coalesce(sum(replayed), 0)::bigint,
           coalesce(sum(skipped), 0)::bigint, coalesce(sum(rejected), 0)::bigint, coalesce(sum(parked), 0)::bigint
    FROM ledger.source_position WHERE topic = %s
"""
VOUCHERS: Final[LiteralString] = "SELECT sum(voucher_no)::bigint FROM ledger.book"
ENTRIES: Final[LiteralString] = "SELECT count(*) FROM ledger.entry"
HEALED: Final[LiteralString] = "SELECT count(*) FROM ledger.inbox WHERE revision > 1"
CODES: Final[LiteralString] = (
    "SELECT outcome, code, count(*) FROM ledger.dead_letter GROUP BY outcome, code ORDER BY count(*) DESC, code"
)
TRIAL_BALANCE: Final[LiteralString] = """
    SELECT asset.code, (sum(debits_posted) - sum(credits_posted))::text
    FROM ledger.account_head JOIN ledger.asset USING (asset_id) GROUP BY asset.code ORDER BY asset.code
"""
CAPTURED: Final[LiteralString] = """
    SELECT currency, sum(captured_minor)::text FROM projections.payment GROUP BY currency ORDER BY currency
"""
FINDINGS: Final[LiteralString] = """
    SELECT code, count(*) FROM reconciliation.finding WHERE state = 'OPEN' GROUP BY code ORDER BY code
"""
# What orders were paid more (or less) than their beneficiaries were given.
SUSPENSE: Final[LiteralString] = """
    SELECT asset.code, sum(CASE side WHEN 'C' THEN amount_minor ELSE -amount_minor END)::text
    FROM reconciliation.finding JOIN ledger.asset USING (asset_id)
    WHERE state = 'OPEN' AND finding.code = 'ORDER_SUSPENSE_NOT_ZERO' GROUP BY asset.code ORDER BY asset.code
"""
OUTCOME_NAMES: Final = ("posted", "recorded", "replayed", "skipped", "rejected", "parked")


@dataclass(slots=True)
class Result:
    """What happened, in the words of the report. `seconds`: from first event read to last projection."""

    book: str
    broker: str
    postgres: str
    database: str
    events: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    codes: list[tuple[str, str, int]] = field(default_factory=list)
    healed: int = 0
    vouchers: int = 0
    entries: int = 0
    trial_balance: dict[str, int] = field(default_factory=dict)
    captured_minor: dict[str, int] = field(default_factory=dict)
    findings: int = 0
    findings_by_code: dict[str, int] = field(default_factory=dict)
    suspense_minor: dict[str, int] = field(default_factory=dict)
    verify: VerifyReport | None = None
    seconds: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    replay: dict[str, int] | None = None
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Everything adds up: outcomes, trial balance, every check."""
        adds_up = sum(self.outcomes.values()) == self.events
        balanced = not any(self.trial_balance.values())
        only_replayed = self.replay is None or self.replay["replayed"] == self.events == sum(self.replay.values())
        return adds_up and balanced and only_replayed and self.verify is not None and self.verify.ok


def read_books(result: Result, store: Store, topic: str) -> None:
    """Fills in what the ledger, its read models and reconciliation say; `topic` is the one consumed."""
    with store.connect(Role.PROJECTOR) as connection:
        result.postgres = connection.execute("SHOW server_version").fetchall()[0][0]
        result.outcomes = read_outcomes(connection, topic)
        result.vouchers = connection.execute(VOUCHERS).fetchall()[0][0]
        result.entries = connection.execute(ENTRIES).fetchall()[0][0]
        result.healed = connection.execute(HEALED).fetchall()[0][0]
        result.codes = [(str(row[0]), str(row[1]), int(row[2])) for row in connection.execute(CODES)]
        result.trial_balance = {str(row[0]): int(row[1]) for row in connection.execute(TRIAL_BALANCE)}
        result.captured_minor = {str(row[0]): int(row[1]) for row in connection.execute(CAPTURED) if row[0]}
    with store.connect(Role.RECONCILER) as connection:
        result.findings_by_code = {str(row[0]): int(row[1]) for row in connection.execute(FINDINGS)}
        result.suspense_minor = {str(row[0]): int(row[1]) for row in connection.execute(SUSPENSE)}
    result.findings = sum(result.findings_by_code.values())


def read_outcomes(connection: psycopg.Connection, topic: str) -> dict[str, int]:
    """Counters of a topic, over its partitions."""
    row = connection.execute(OUTCOMES, (topic,)).fetchall()[0]
    return dict(zip(OUTCOME_NAMES, row, strict=True))
