"""Which source may send which type of event to a book: declared in its chart, versioned with it.

What a source calls itself is its own word: who may write to a topic at all is for the log's access control to say.
A policy keeps a service that is let in from saying what is not its business.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

INGEST_TOPIC: Final = "file:"
"""Beginning of the topic of what an operator ingests from a file. No topic of a log can be called so."""

INTERNAL: Final = "ledger:"
"""Beginning of the sources under which the ledger itself speaks; no event from outside can claim one."""

THROUGH_INGEST: Final = "ingest"
OWN: Final = "own"


class Allowed(IntEnum):
    """What a source may say of a type, each more than the one before."""

    NOT = 0
    OF_ITS_OWN = 1
    """Of vouchers that it posted itself."""
    ALL = 2


@dataclass(slots=True, frozen=True)
class SourceRule:
    """`source` and each of `types` are a whole name, the beginning of names up to `*`, or `*`."""

    source: str
    types: tuple[str, ...]
    through: str = ""
    """`ingest`: only in files that an operator ingests, never on a topic."""
    vouchers: str = ""
    """`own`: what refers to a voucher reaches only those that events of the same source posted."""


@dataclass(slots=True)
class SourcePolicy:
    """What any of its rules allows is allowed. Immutable but for its look-up cache."""

    rules: tuple[SourceRule, ...]
    declared: bool = True
    """False of the policy that a chart without one has."""
    _answers: dict[tuple[str, str, bool], Allowed] = field(default_factory=dict, repr=False, compare=False)

    def allows(self, source: str, event_type: str, *, ingested: bool) -> bool:
        """May this source send this type, on a topic or in an ingested file?"""
        return self.answer(source, event_type, ingested=ingested) is not Allowed.NOT

    def answer(self, source: str, event_type: str, *, ingested: bool) -> Allowed:
        """What it may say so, by the rule that allows it most."""
        key = (source, event_type, ingested)
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) > ANSWERS_KEPT:
                self._answers.clear()
            answer = self._answers[key] = self._decide(source, event_type, ingested)
        return answer

    def _decide(self, source: str, event_type: str, ingested: bool) -> Allowed:
        if source.startswith(INTERNAL):
            return Allowed.ALL
        return max(
            (
                Allowed.OF_ITS_OWN if rule.vouchers == OWN else Allowed.ALL
                for rule in self.rules
                if (ingested or rule.through != THROUGH_INGEST)
                and _fits(source, rule.source)
                and any(_fits(event_type, pattern) for pattern in rule.types)
            ),
            default=Allowed.NOT,
        )


ANSWERS_KEPT: Final = 10_000
"""Answers remembered per chart; past that the memory is emptied and fills again."""

UPSTREAM_TYPES: Final = (
    "payment.*", "payment_method.*", "refund.*", "chargeback.*", "settlement.*", "payout.*", "fee.*",
    "reservation.*", "cash.*", "drawer.*", "sale.*", "cogs.*", "inventory.*", "settlement_profile.*",
    "transfer.*", "transaction.*", "sweep.*", "verification.*", "fx.*",
)  # fmt: skip
PAYMENTS: Final = SourceRule("*", UPSTREAM_TYPES)
TAKEN_BACK: Final = SourceRule("/processors/*", ("voucher.void_requested.v1",), vouchers=OWN)
"""A processor that called a capture or refund done, and says then that it failed, takes back what it had posted, and
nothing else."""
BY_HAND: Final = SourceRule("*", ("*",), THROUGH_INGEST)


def default_policy() -> SourcePolicy:
    """What upstream services tell from everywhere; from processors what takes such back; all else (by hand, accounts)
    only from files that are ingested."""
    return SourcePolicy((PAYMENTS, TAKEN_BACK, BY_HAND), declared=False)


def _fits(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def policy_from_rows(rows: object) -> SourcePolicy:
    """The policy in a chart's member `sources`. Raises ValueError that says where and what.

    `[{"source": "/shop/back-office", "types": ["voucher.*"], "through"?: "ingest", "vouchers"?: "own"}]`
    """
    if not isinstance(rows, list):
        raise ValueError("sources is not a list")
    return SourcePolicy(tuple(_rule(f"sources[{number}]", row) for number, row in enumerate(rows)))


def _rule(where: str, row: object) -> SourceRule:
    if not isinstance(row, dict):
        raise ValueError(f"{where} is not an object")
    unknown = sorted(set(row) - {"source", "types", "through", "vouchers"})
    if unknown:
        raise ValueError(f"{where}: unknown member {unknown[0]!r:.60}")
    types = row.get("types")
    if not isinstance(types, list) or not types:
        raise ValueError(f"{where}: types is not a list of types")
    through = row.get("through", "")
    if through not in ("", THROUGH_INGEST):
        raise ValueError(f"{where}: through can only be {THROUGH_INGEST}")
    vouchers = row.get("vouchers", "")
    if vouchers not in ("", OWN):
        raise ValueError(f"{where}: vouchers can only be {OWN}")
    patterns = tuple(_pattern(f"{where}: a type", name) for name in types)
    return SourceRule(_pattern(f"{where}: source", row.get("source")), patterns, through, vouchers)


def _pattern(what: str, text: object) -> str:
    if not isinstance(text, str) or not text:
        raise ValueError(f"{what} is missing or no text")
    if "*" in text[:-1]:
        raise ValueError(f"{what}: * may only stand at the end")
    return text
