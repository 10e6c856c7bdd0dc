"""Which source may send which type of event to a book: declared in its chart, versioned with it.

What a source calls itself is its own word: who may write to a topic at all is for the log's access control to say.
A policy keeps a service that is let in from saying what is not its business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

INGEST_TOPIC: Final = "file:"
"""Beginning of the topic of what an operator ingests from a file. No topic of a log can be called so."""

INTERNAL: Final = "ledger:"
"""Beginning of the sources under which the ledger itself speaks; no event from outside can claim one."""

THROUGH_INGEST: Final = "ingest"


@dataclass(slots=True, frozen=True)
class SourceRule:
    """`source` and each of `types` are a whole name, the beginning of names up to `*`, or `*`."""

    source: str
    types: tuple[str, ...]
    through: str = ""
    """`ingest`: only in files that an operator ingests, never on a topic."""


@dataclass(slots=True)
class SourcePolicy:
    """What any of its rules allows is allowed. Immutable but for its look-up cache."""

    rules: tuple[SourceRule, ...]
    declared: bool = True
    """False of the policy that a chart without one has."""
    _answers: dict[tuple[str, str, bool], bool] = field(default_factory=dict, repr=False, compare=False)

    def allows(self, source: str, event_type: str, *, ingested: bool) -> bool:
        """May this source send this type, on a topic or in an ingested file?"""
        key = (source, event_type, ingested)
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) > ANSWERS_KEPT:
                self._answers.clear()
            answer = self._answers[key] = source.startswith(INTERNAL) or any(
                (ingested or rule.through != THROUGH_INGEST)
                and _fits(source, rule.source)
                and any(_fits(event_type, pattern) for pattern in rule.types)
                for rule in self.rules
            )
        return answer


ANSWERS_KEPT: Final = 10_000
"""Answers remembered per chart; past that the memory is emptied and fills again."""

UPSTREAM_TYPES: Final = (
    "payment.*", "payment_method.*", "refund.*", "chargeback.*", "settlement.*", "payout.*", "fee.*",
    "reservation.*", "cash.*", "drawer.*", "sale.*", "cogs.*", "inventory.*", "settlement_profile.*",
    "transfer.*", "transaction.*", "sweep.*", "verification.*", "fx.*",
)  # fmt: skip
PAYMENTS: Final = SourceRule("*", UPSTREAM_TYPES)
TAKEN_BACK: Final = SourceRule("/processors/*", ("voucher.void_requested.v1",))
"""A processor that called a capture or refund done, and says then that it failed, takes back what it had posted."""
BY_HAND: Final = SourceRule("*", ("*",), THROUGH_INGEST)


def default_policy() -> SourcePolicy:
    """What upstream services tell from everywhere; from processors what takes such back; all else (by hand, accounts)
    only from files that are ingested."""
    return SourcePolicy((PAYMENTS, TAKEN_BACK, BY_HAND), declared=False)


def _fits(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def policy_from_rows(rows: object) -> SourcePolicy:
    """The policy in a chart's member `sources`. Raises ValueError that says where and what.

    `[{"source": "/shop/back-office", "types": ["voucher.*"], "through"?: "ingest"}]`
    """
    if not isinstance(rows, list):
        raise ValueError("sources is not a list")
    return SourcePolicy(tuple(_rule(f"sources[{number}]", row) for number, row in enumerate(rows)))


def _rule(where: str, row: object) -> SourceRule:
    if not isinstance(row, dict):
        raise ValueError(f"{where} is not an object")
    unknown = sorted(set(row) - {"source", "types", "through"})
    if unknown:
        raise ValueError(f"{where}: unknown member {unknown[0]!r:.60}")
    types = row.get("types")
    if not isinstance(types, list) or not types:
        raise ValueError(f"{where}: types is not a list of types")
    through = row.get("through", "")
    if through not in ("", THROUGH_INGEST):
        raise ValueError(f"{where}: through can only be {THROUGH_INGEST}")
    patterns = tuple(_pattern(f"{where}: a type", name) for name in types)
    return SourceRule(_pattern(f"{where}: source", row.get("source")), patterns, through)


def _pattern(what: str, text: object) -> str:
    if not isinstance(text, str) or not text:
        raise ValueError(f"{what} is missing or no text")
    if "*" in text[:-1]:
        raise ValueError(f"{what}: * may only stand at the end")
    return text


def rows_of(policy: SourcePolicy) -> Sequence[Mapping[str, object]]:
    """The policy as a chart would declare it."""
    return [
        {"source": rule.source, "types": list(rule.types)} | ({"through": rule.through} if rule.through else {})
        for rule in policy.rules
    ]
