"""How aggregate events become stored bytes and events again: compact JSON, and nothing the log knows already.

The mapper rules of eventsourcing hold (originator id and version are columns, `class_version` is kept when
above 1, older versions are upcast one by one), with three omissions. The time of an event is its block's
`recorded_at`, decided under the book's lock: a process's clock would give a second, contradicting order.
The aggregate's class follows from the event's type. Members whose default is None are left out while they are.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Protocol, cast
from uuid import UUID

import orjson
from eventsourcing.domain import CanInitAggregate, CanMutateAggregate, DomainEventProtocol
from eventsourcing.persistence import Mapper, Notification, StoredEvent, Transcoder
from eventsourcing.utils import get_topic

from ledger_core.store.appender import EPOCH
from schemas.card_data import mask_text

NOT_RECORDED: Final = EPOCH
"""Timestamp of an event that has not been recorded yet."""

_KNOWN_TO_THE_LOG: Final = ("originator_id", "originator_version", "timestamp", "originator_topic")
_WRITTEN_BY_PEOPLE: Final = ("reason", "requested_by", "approved_by")
"""Members in which a card number is masked before it is stored (I28)."""


@dataclass(frozen=True)
class LoggedEvent(Notification):
    """An aggregate event read from the log; `id` is its position."""

    recorded_at: datetime


class CreatesAggregate(Protocol):
    """What an event class that begins an aggregate must say here: the topic of the aggregate's class."""

    aggregate_topic: ClassVar[str]


class CompactTranscoder(Transcoder):
    """Event state as compact JSON, keys in the order in which the event class declares them."""

    def encode(self, obj: Any) -> bytes:
        return orjson.dumps(obj)

    def decode(self, data: bytes) -> Any:
        return orjson.loads(data)


class LedgerMapper(Mapper[UUID]):
    """Converts between domain events and what the log holds of them."""

    def __init__(self) -> None:
        super().__init__(transcoder=CompactTranscoder())

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        event_class = type(domain_event)
        state = {
            name: mask_text(value) if name in _WRITTEN_BY_PEOPLE and isinstance(value, str) else value
            for name, value in vars(domain_event).items()
            if name not in _KNOWN_TO_THE_LOG and not (value is None and getattr(event_class, name, ...) is None)
        }
        class_version: int = getattr(event_class, "class_version", 1)
        if class_version > 1:
            state["class_version"] = class_version
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=get_topic(event_class),
            state=self.transcoder.encode(state),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        domain_event = super().to_domain_event(stored_event)
        recorded_at = stored_event.recorded_at if isinstance(stored_event, LoggedEvent) else NOT_RECORDED
        # Events are frozen dataclasses that the base class fills past __init__; so are these two attributes.
        if isinstance(domain_event, CanMutateAggregate):
            object.__setattr__(domain_event, "timestamp", recorded_at)
        if isinstance(domain_event, CanInitAggregate):
            event_class = cast("type[CreatesAggregate]", type(domain_event))
            object.__setattr__(domain_event, "originator_topic", event_class.aggregate_topic)
        return domain_event
