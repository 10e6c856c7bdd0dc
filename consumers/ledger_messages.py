"""The ledger's events as messages of its topic: structured CloudEvents around the stored bytes.

The state goes in verbatim, never decoded: what a subscriber reads is what the chain of blocks has sealed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from consumers.transport.ports import Outgoing

LEDGER_TOPIC = "ledger.events.v1"
HEADERS = (("content-type", b"application/cloudevents+json"),)
DATA = b',"data":'
STUB = b',"ledgerstub":true}'


@dataclass(frozen=True, slots=True)
class SealedBlock:
    """What every event of one block has in common. `book` is the book's code."""

    book: str
    log_epoch: int
    number: int
    hash_hex: str
    recorded_at: str
    """RFC 3339 in UTC."""


def encode_events(topic: str, block: SealedBlock, events: Iterable[tuple[int, int, str, str, bytes]]) -> list[Outgoing]:
    """Messages of one block's events, given as position, voucher_no (0: none), type, order key, state."""
    book = block.book.encode()
    head = (
        f'{{"specversion":"1.0","source":"/ledger/{block.book}","time":"{block.recorded_at}",'
        f'"ledgerbook":"{block.book}","ledgerepoch":{block.log_epoch},"ledgerblock":{block.number},'
        f'"ledgerblockhash":"{block.hash_hex}","id":"{block.book}/'
    ).encode()
    types: dict[str, bytes] = {}
    messages: list[Outgoing] = []
    for position, voucher_no, event_type, order_key, state in events:
        type_of_message = types.get(event_type)
        if type_of_message is None:
            type_of_message = types[event_type] = orjson.dumps(f"ledger.{event_type}.v1")
        value = b'%b%d","ledgerposition":%d,"type":%b,"subject":%b%b,"data":%b}' % (
            head,
            position,
            position,
            type_of_message,
            orjson.dumps(order_key),
            b',"ledgervoucher":%d' % voucher_no if voucher_no else b"",
            state,
        )
        messages.append(Outgoing(topic, book, value, HEADERS))
    return messages


def stub_of(message: Outgoing) -> Outgoing:
    """The same message without its data, for an event that is too large for the topic: readers ask the store.

    No string before the data can hold the searched bytes: JSON escapes the quotation marks inside it.
    """
    envelope, data, _ = (message.value or b"").partition(DATA)
    if not data:
        return message
    return Outgoing(message.topic, message.key, envelope + STUB, message.headers, message.partition)
