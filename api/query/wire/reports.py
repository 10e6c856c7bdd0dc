"""Reports on the wire: trial balances and findings."""

from datetime import date, datetime
from typing import Literal, Self

from pydantic import Field

from api.query.wire.base import Amount, Balance, NextCursor, Position, Wire
from projections.queries import findings, trial_balances


class TypeTotal(Wire):
    type: str
    accounts: int | None = Field(description="Those that have an entry in it, where it is in two times; else all")
    entries: int
    debits: Amount
    credits: Amount


class CurrencyTotal(Wire):
    currency: str
    debits: Amount
    credits: Amount
    difference: Balance = Field(description="Zero, or the ledger is wrong")
    types: list[TypeTotal]

    @classmethod
    def of(cls, total: trial_balances.CurrencyTotal) -> Self:
        return cls(
            currency=total.currency, debits=Amount.of(total.debits), credits=Amount.of(total.credits),
            difference=Balance.at(total.difference),
            types=[
                TypeTotal(
                    type=each.type, accounts=each.accounts, entries=each.entries,
                    debits=Amount.of(each.debits), credits=Amount.of(each.credits),
                )
                for each in total.types
            ],
        )  # fmt: skip


class TrialBalanceAnswer(Wire):
    book: str
    position: Position
    through: date | None = Field(description="As asked for: by day, from the projection")
    effective_at: date | None = Field(description="As asked for: in two times, from the store")
    currencies: list[CurrencyTotal]


class Finding(Wire):
    code: str
    subject: str
    state: Literal["OPEN", "RESOLVED"]
    difference: Balance | None = Field(description="On the side that has too much; null where there is no amount")
    detail: dict[str, object]
    opened_at_position: int
    first_seen_at: datetime
    resolved_at_position: int | None
    reopened: int
    changed_at: datetime

    @classmethod
    def of(cls, finding: findings.Finding) -> Self:
        return cls.model_validate({
            "code": finding.code, "subject": finding.subject, "state": finding.state, "detail": finding.detail,
            "difference": Balance.at(finding.difference) if finding.difference else None,
            "opened_at_position": finding.opened_at_position, "first_seen_at": finding.first_seen_at,
            "resolved_at_position": finding.resolved_at_position, "reopened": finding.reopened,
            "changed_at": finding.changed_at,
        })  # fmt: skip


class FindingPage(Wire):
    book: str
    position: Position = Field(description="What the latest complete scan saw")
    findings: list[Finding]
    next_cursor: NextCursor
