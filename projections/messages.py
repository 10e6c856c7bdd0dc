"""What a batch of the ledger's messages says of each book.

A message is a structured CloudEvent of the topic ledger.events.v1. Its `data` is the event's state as stored;
a message too large for the topic comes without it, as a stub.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NotRequired, Protocol, TypedDict, cast

import orjson

from projections.events import EventState, LedgerEvent

TYPE_PREFIX = "ledger."
TYPE_SUFFIX = ".v1"


_new = tuple.__new__  # half of what LedgerEvent(...) costs


class LedgerMessage(TypedDict):
    """The attributes of a message that continue a log."""

    type: str
    subject: str
    ledgerbook: str
    ledgerposition: int
    ledgerepoch: int
    ledgerblock: int
    ledgerblockhash: str
    data: NotRequired[EventState]


@dataclass(slots=True)
class BookNews:
    """What one batch brings of one book.

    `events` are those with their state, ascending and without repeats. They may have holes: stubs, or
    messages that the topic has lost. `last_position` is 0 when only unreadable messages came.
    """

    book_id: int
    log_epoch: int = 0
    last_position: int = 0
    block_hash_hex: str = ""
    events: list[LedgerEvent] = field(default_factory=list)
    unreadable: bool = False
    """A message with this book's key says nothing: the store must be asked what it was."""

    def add(self, message: LedgerMessage) -> None:
        """Take a message up; one of an older epoch, or at a position seen before, adds nothing."""
        epoch, position = message["ledgerepoch"], message["ledgerposition"]
        if epoch > self.log_epoch:
            # The log was restored and goes on in a new epoch: positions of the old one may mean other events.
            self.log_epoch, self.last_position, self.events = epoch, 0, []
        if epoch < self.log_epoch or position <= self.last_position:
            return
        self.last_position = position
        self.block_hash_hex = message["ledgerblockhash"]
        state = message.get("data")
        if isinstance(state, dict):
            told = (self.book_id, position, _event_type(message["type"]), message["subject"], state)
            self.events.append(_new(LedgerEvent, told))

    def continues(self, position: int) -> bool:
        """Whether the events after `position`, up to the last one, are all here."""
        return bool(self.events) and (
            self.events[0].position <= position + 1
            and self.events[-1].position == self.last_position
            and self.events[-1].position - self.events[0].position + 1 == len(self.events)
        )

    def after(self, position: int) -> list[LedgerEvent]:
        """The events after `position`; only where `continues` says so."""
        return self.events[max(0, position + 1 - self.events[0].position) :]


class KeyedValue(Protocol):
    """A record of the topic, as far as it matters here."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


def collect_news(
    records: Sequence[KeyedValue], book_id_of: Callable[[str], int | None]
) -> tuple[dict[int, BookNews], int]:
    """News by book_id, and the number of messages that belong to no book we know."""
    news: dict[int, BookNews] = {}
    foreign = 0
    for record in records:
        message = decode_message(record.value)
        code = message["ledgerbook"] if message is not None else _text(record.key)
        book_id = book_id_of(code)
        if book_id is None:
            foreign += 1
            continue
        of_book = news.get(book_id)
        if of_book is None:
            of_book = news[book_id] = BookNews(book_id)
        if message is None:
            of_book.unreadable = True
        else:
            of_book.add(message)
    return news, foreign


def decode_message(value: bytes | None) -> LedgerMessage | None:
    """The message, or None where the bytes are not one."""
    try:
        message = orjson.loads(value or b"")
        well_formed = (
            type(message["ledgerposition"]) is int
            and type(message["ledgerepoch"]) is int
            and type(message["ledgerblockhash"]) is str
            and type(message["ledgerbook"]) is str
            and type(message["subject"]) is str
            and type(message["type"]) is str
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        return None
    return cast("LedgerMessage", message) if well_formed else None


@lru_cache(maxsize=256)
def _event_type(type_of_message: str) -> str:
    return type_of_message.removeprefix(TYPE_PREFIX).removesuffix(TYPE_SUFFIX)


def _text(key: bytes | None) -> str:
    return (key or b"").decode("utf-8", errors="replace")
