"""From a record to an incoming event: decoded and validated, or refused with a stable code. Pure.

The straight path is for the events that come by the million: binary mode, known type, valid data. Whatever
stumbles there starts again on the thorough path, which reads everything in the order of `Code` and finds the
precise answer; structured events are read there too.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import TypeAdapter
from pydantic_core import ValidationError

from consumers.attributes import AttributeReader
from consumers.cursors import plain
from consumers.facts import CURRENCIES, FACTS
from ledger_core.domain.facts import UpstreamFact
from ledger_core.domain.fingerprints import FINGERPRINT_BYTES, FINGERPRINT_VERSION, fingerprint, fingerprint_prefix
from ledger_core.domain.incoming import SYSTEM_BOOK, UNDECODABLE_SOURCE, Incoming, Record
from ledger_core.domain.outcomes import Code, Refusal, first_of
from schemas.envelope import (
    LAST_US,
    EnvelopeError,
    envelope_of,
    parts_of,
)
from schemas.events.explain import currencies_in, explain
from schemas.events.members import INSTRUMENT_TYPES, names_a_card
from schemas.events.registry import EVENT_TYPES, FAMILIES, family
from schemas.kept import masked_value
from schemas.strict_json import MAX_BYTES, UnreadableJsonError, has_every_member, read_json

if TYPE_CHECKING:
    from hashlib import _Hash as HASH  # its only name, for type checkers alone

CARD_AS_NAME = "payment_method_id: is a card number, which the ledger does not take: send the processor's token of it"
PIECE = 256
"""Records whose attributes are read together: one that is not straight makes all of them go one by one."""
NOT_STRAIGHT = (LookupError, ValueError, AttributeError, TypeError)


@dataclass(slots=True, frozen=True)
class _EventType:
    """How one type of event is read. Any: its validator makes what its `to_fact` takes."""

    name: str
    hashed: "HASH"
    """What a fingerprint hashes before the data."""
    validate_json: Callable[[bytes], Any]
    validate_python: Callable[[object], Any]
    to_fact: Callable[[Any], UpstreamFact]
    currencies: Callable[[Any], set[str]] | None
    """Where they do not stand in a member of this name."""


Assets = Mapping[str, int]
"""Asset ids by code."""
Columns = tuple[list[_EventType | None], list[str], list[str], list[str], list[str], list[int]]
"""Types, books, sources, ids, order keys and times of records in a row."""


class Decoder:
    """Decodes records. `assets` are the known currencies; `incarnation` tells that of a topic's partition.

    With `expected_book` an event of any other book is refused `BOOK_MISMATCH`. CURRENCY_UNKNOWN is for good, so a
    currency that is not known is looked for once more by `read_assets`: an asset that was added before its first
    event was published is there by the time that event is decoded.
    """

    def __init__(
        self,
        assets: Assets,
        *,
        expected_book: str | None = None,
        incarnation: Callable[[str, int], int] = lambda _topic, _partition: 1,
        read_assets: Callable[[], Assets] = dict,
    ) -> None:
        self._assets = frozenset(assets)
        self._read_assets = read_assets
        self._expected_book = expected_book
        self._incarnation = incarnation
        self._types = {name: _event_type(name, schema) for name, schema in EVENT_TYPES.items()}
        self._types_by_bytes = {  # of the straight path: it does not look whether the subject is a card's number
            name.encode(): event_type for name, event_type in self._types.items() if name not in INSTRUMENT_TYPES
        }
        self._attributes = AttributeReader(expected_book)

    def decode_many(self, records: Iterable[Record]) -> list[Incoming]:
        """What became of each; the assets are read anew once at most, whatever the number of unknown currencies."""
        newest = cache(self._read_assets)
        arrived = iter(records)
        decoded: list[Incoming] = []
        while piece := list(islice(arrived, PIECE)):
            decoded += self._decode_piece(piece, newest)
        return decoded

    def decode(self, record: Record) -> Incoming:
        """What became of this record; never raises for what is in it."""
        return self.decode_many((record,))[0]

    def _decode_piece(self, piece: list[Record], newest: Callable[[], Assets]) -> list[Incoming]:
        try:
            columns = self._columns(piece)
        except NOT_STRAIGHT:
            if len(piece) == 1:
                return [self._thorough(piece[0], newest)]
            return [incoming for record in piece for incoming in self._decode_piece([record], newest)]
        decoded = []
        for row in zip(piece, *columns, strict=True):
            try:
                decoded.append(self._straight(*row))
            except NOT_STRAIGHT:
                decoded.append(self._thorough(row[0], newest))
        return decoded

    # -------------------------------------------------------------------------------------- the straight path
    def _columns(self, piece: list[Record]) -> Columns:
        """Binary mode. Any exception of a plain look-up, decoding or validation means: one is not so simple."""
        read = self._attributes.read(piece)
        types = [self._types_by_bytes.get(event_type) for event_type in read.types]
        return types, read.books, read.sources, read.event_ids, read.order_keys, read.times_us

    def _straight(
        self,
        record: Record,
        event_type: _EventType | None,
        book: str,
        source: str,
        event_id: str,
        order_key: str,
        time_us: int,
    ) -> Incoming:
        """The data, by the schema of their type. Exceptions say the same as above."""
        value = record.value
        if event_type is None or value is None or len(value) > MAX_BYTES:
            raise ValueError
        data = event_type.validate_json(value)
        canonical = orjson.dumps(data)
        if not has_every_member(value, canonical):
            read_json(value)
        if "currency" in data:
            if data["currency"] not in self._assets:
                raise ValueError
        elif event_type.currencies is not None and not event_type.currencies(data) <= self._assets:
            raise ValueError
        hashed = event_type.hashed.copy()
        hashed.update(canonical)
        return Incoming(
            book, source, event_id, event_type.name, order_key, time_us,
            FINGERPRINT_VERSION + hashed.digest()[:FINGERPRINT_BYTES], event_type.to_fact(data), None, record,
        )  # fmt: skip

    # -------------------------------------------------------------------------------------- the thorough path
    def _thorough(self, record: Record, newest: Callable[[], Assets]) -> Incoming:
        event_type = ""
        try:
            document = read_json(record.value)
            attributes, data = parts_of(record.headers, document)
            event_type = _readable_type(attributes)
            envelope = envelope_of(attributes)
        except UnreadableJsonError as error:
            return self._undecodable(record, event_type, Refusal(Code(error.code), error.detail))
        except EnvelopeError as error:
            return self._undecodable(record, event_type, Refusal(Code.ENVELOPE_INVALID, str(error)))
        if self._expected_book not in (None, envelope.book):
            refusal = Refusal(Code.BOOK_MISMATCH, f"the event is not of book {self._expected_book}")
            return self._undecodable(record, event_type, refusal, refused_by=self._expected_book)
        if names_a_card(envelope.event_type, envelope.subject, data):
            return self._undecodable(record, event_type, Refusal(Code.DATA_INVALID, CARD_AS_NAME))
        fact, refusal_of_data, data = self._fact_or_refusal(envelope.event_type, data, newest, record)
        canonical = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        return Incoming(
            envelope.book, envelope.source, envelope.event_id, envelope.event_type, envelope.subject,
            envelope.time_us, fingerprint(envelope.event_type, canonical), fact, refusal_of_data, record,
        )  # fmt: skip

    def _fact_or_refusal(
        self, event_type: str, data: object, newest: Callable[[], Assets], record: Record
    ) -> tuple[UpstreamFact | None, Refusal | None, object]:
        """With the data as they are fingerprinted: as a dead letter keeps them, which knows no card number."""
        known = self._types.get(event_type)
        if known is None:
            if family(event_type) in FAMILIES:
                code, detail = (
                    Code.SCHEMA_VERSION_UNKNOWN,
                    "this release does not know this version of the type",
                )
            else:
                code, detail = Code.EVENT_TYPE_UNKNOWN, "this release does not know this type of event"
            masked, names = _masked_data(record, event_type, data)
            if names:  # what is kept of them may be one name, and could not be read again
                return None, Refusal(Code.DATA_INVALID, "the name of a member holds a card number"), masked
            return None, Refusal(code, detail, f"schema:{event_type}"), masked
        try:
            validated = known.validate_python(data)
        except ValidationError as error:
            fault = explain(error, data)
            refusal = first_of(
                Refusal(Code(fault.code), fault.detail), self._unknown_currency(currencies_in(data), newest)
            )
            return None, refusal, _masked_data(record, event_type, data)[0]
        if "currency" in validated:
            unknown = self._unknown_currency({validated["currency"]}, newest)
        else:
            unknown = self._unknown_currency(known.currencies(validated) if known.currencies else set(), newest)
        return (known.to_fact(validated), None, validated) if unknown is None else (None, unknown, validated)

    def _unknown_currency(self, currencies: set[str], newest: Callable[[], Assets]) -> Refusal | None:
        if all(self._is_asset(currency, newest) for currency in currencies):
            return None
        return Refusal(Code.CURRENCY_UNKNOWN, "currency: not an asset of this ledger")

    def _is_asset(self, currency: str, newest: Callable[[], Assets]) -> bool:
        if currency in self._assets:
            return True
        # Another thread may put back what it read before: decided on our own. An asset is never taken away.
        known = self._assets | newest().keys()
        self._assets = known
        return currency in known

    def _undecodable(
        self, record: Record, event_type: str, refusal: Refusal, refused_by: str | None = None
    ) -> Incoming:
        """The record belongs to no book that we can trust: it stands in the system book, under its coordinates in the
        log, by whatever cursor it came: a replay has to recognise it.

        `refused_by` is the book that was expected: what another run makes of the record is another decision.
        """
        topic = plain(record.topic)
        key = f"{self._incarnation(topic, record.partition)}:{topic}:{record.partition}:{record.offset}"
        key += f":{refused_by}" if refused_by is not None else ""
        return Incoming(
            SYSTEM_BOOK, UNDECODABLE_SOURCE, key, event_type, key, plausible_us(record.timestamp),
            fingerprint(event_type, record.value or b""), None, refusal, record,
        )  # fmt: skip


def plausible_us(timestamp_ms: int) -> int:
    """A record's timestamp is whatever its producer wrote: kept within the years that an event may have."""
    return min(max(timestamp_ms, 0) * 1000, LAST_US - 1)


def _event_type(name: str, schema: type) -> _EventType:
    validator = TypeAdapter(schema).validator
    return _EventType(
        name, sha256(fingerprint_prefix(name)), validator.validate_json, validator.validate_python, FACTS[name],
        CURRENCIES.get(name),
    )  # fmt: skip


def _masked_data(record: Record, event_type: str, data: object) -> tuple[object, int]:
    """Data that fit no schema as a dead letter keeps them, and how many names in them are masked."""
    masked = masked_value(record.value or b"", record.headers, event_type)
    if masked.values:
        _, data = parts_of(record.headers, orjson.loads(masked.document))
    return data, masked.names


def _readable_type(attributes: Mapping[str, object]) -> str:
    """The type for whoever looks at a refused record: only if it is one of ours, or nearly."""
    event_type = attributes.get("type")
    return event_type if isinstance(event_type, str) and family(event_type) in FAMILIES else ""
