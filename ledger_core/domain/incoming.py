"""An upstream event on its way to an outcome: decoded and validated, or refused already."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger_core.domain.facts import UpstreamFact
from ledger_core.domain.outcomes import Refusal

SYSTEM_BOOK = "system"
UNDECODABLE_SOURCE = "ledger:undecodable"


class Record(Protocol):
    """The record as received: what a dead letter must keep. Any transport's record has this shape."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


@dataclass(slots=True)
class Incoming:
    """One consumed record. Exactly one of `fact` and `refusal` is set.

    A record that cannot be decoded belongs to the system book: source `ledger:undecodable`,
    event id `incarnation:topic:partition:offset`, order key the same.
    """

    book: str
    source: str
    event_id: str
    event_type: str
    order_key: str
    effective_at_us: int
    """When it happened: microseconds since 1970-01-01 UTC, from the event itself."""
    fingerprint: bytes
    """Version byte and the first 16 bytes of SHA-256 over canonical type and masked data."""
    fact: UpstreamFact | None
    refusal: Refusal | None
    record: Record
    parked_at: int = 0
    """Where it waited in the system book for its own to be created; the record was counted there."""
