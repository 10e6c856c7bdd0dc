"""Change data capture of merchants: each record of Debezium is a fact of the system book, and opens or drops a book.

The envelope is read with and without its schema. A record is applied before it is posted: whatever breaks in between,
it comes again, and what was applied is not applied twice.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from consumers.cursors import plain
from consumers.decode import Assets, plausible_us
from ledger_core.domain.fingerprints import fingerprint
from ledger_core.domain.incoming import SYSTEM_BOOK, Incoming, Record
from ledger_core.domain.merchants import MerchantChanged, MerchantStatus
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.operations.merchants import Applied, ChangePlace, apply_change
from ledger_core.store.batch import SourceAdvance
from ledger_core.store.errors import PostingHaltedError
from ledger_core.store.items import Prepared
from ledger_core.store.poster import Label, Poster, no_label
from schemas.envelope import BOOK_CODE
from schemas.strict_json import UnreadableJsonError, read_json

EVENT_TYPE: Final = "merchant.changed.v1"
OPERATIONS: Final = ("c", "r", "u", "d")
CURRENCY: Final = re.compile(r"[A-Z][A-Z0-9]{1,11}")
MAX_CURRENCIES: Final = 50

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MerchantColumns:
    """Which columns of the merchants' table say what; `book_prefix` goes before the id in the code of the book."""

    id: str = "id"
    status: str = "status"
    currencies: str = "currencies"
    book_prefix: str = "merchant-"


class ChangeError(ValueError):
    """A record that is no change of a merchant; the text says why, and never a value."""


class MerchantDecoder:
    """From a record to an incoming event of the system book; never raises for what is in it."""

    def __init__(self, columns: MerchantColumns, assets: Assets, read_assets: Callable[[], Assets] = dict) -> None:
        self._columns = columns
        self._assets = assets
        self._read_assets = read_assets

    def decode_many(self, records: Iterable[Record]) -> list[Incoming]:
        return [self.decode(record) for record in records]

    def decode(self, record: Record) -> Incoming:
        """A tombstone has no value: it follows a deletion and says nothing new."""
        fact: MerchantChanged | None = None
        refusal: Refusal | None = None
        time_us = plausible_us(record.timestamp)
        try:
            if record.value is None:
                fact = MerchantChanged("", "", None)
            else:
                payload = _payload(read_json(record.value))
                time_us = _time_us(payload) or time_us
                fact = self._change(payload)
                self._demand_currencies(fact)
        except UnreadableJsonError as error:
            refusal = Refusal(Code(error.code), error.detail)
        except ChangeError as error:
            refusal = Refusal(Code.DATA_INVALID, str(error))
        except LookupError as error:
            refusal = Refusal(Code.CURRENCY_UNKNOWN, str(error.args[0]))
        place = f"1:{plain(record.topic)}:{record.partition}:{record.offset}"
        return Incoming(
            SYSTEM_BOOK, f"cdc:{plain(record.topic)}", place, EVENT_TYPE,
            f"merchant:{fact.merchant_id}" if fact is not None and fact.merchant_id and refusal is None else place,
            time_us, fingerprint(EVENT_TYPE, record.value or b""), fact if refusal is None else None, refusal, record,
        )  # fmt: skip

    def _change(self, payload: Mapping[str, object]) -> MerchantChanged:
        operation = payload.get("op")
        if operation not in OPERATIONS:
            raise ChangeError(f"op: none of {', '.join(OPERATIONS)}")
        member = "before" if operation == "d" else "after"
        row = payload.get(member)
        if not isinstance(row, dict):
            raise ChangeError(f"{member}: no row")
        merchant_id = row.get(self._columns.id)
        if isinstance(merchant_id, bool) or not isinstance(merchant_id, int | str):
            raise ChangeError(f"{member}.{self._columns.id}: neither a number nor a text")
        book = f"{self._columns.book_prefix}{merchant_id}"
        if BOOK_CODE.fullmatch(book) is None or book == SYSTEM_BOOK:
            raise ChangeError(f"{member}.{self._columns.id}: does not make the code of a book")
        status = MerchantStatus.DROPPED if operation == "d" else self._status(row)
        return MerchantChanged(str(merchant_id), book, status, self._currencies(row))

    def _status(self, row: Mapping[str, object]) -> MerchantStatus:
        said = row.get(self._columns.status)
        if said is None:
            return MerchantStatus.ACTIVE
        try:
            return MerchantStatus(str(said).upper())
        except ValueError:
            wanted = ", ".join(status.value.lower() for status in MerchantStatus)
            raise ChangeError(f"after.{self._columns.status}: none of {wanted}") from None

    def _currencies(self, row: Mapping[str, object]) -> tuple[str, ...]:
        """An array of codes, or one text with commas between them."""
        said = row.get(self._columns.currencies)
        if said is None or said == "":
            return ()
        codes = said if isinstance(said, list) else str(said).split(",")
        found = tuple(dict.fromkeys(str(code).strip() for code in codes))
        if len(found) > MAX_CURRENCIES or not all(CURRENCY.fullmatch(code) for code in found):
            raise ChangeError(f"{self._columns.currencies}: not up to {MAX_CURRENCIES} currency codes")
        return found

    def _demand_currencies(self, fact: MerchantChanged) -> None:
        if not all(currency in self._assets for currency in fact.currencies):
            self._assets = {**self._assets, **self._read_assets()}
        if not all(currency in self._assets for currency in fact.currencies):
            raise LookupError(f"{self._columns.currencies}: a currency is not an asset of this ledger")


def _payload(document: object) -> Mapping[str, object]:
    """What happened, without the schema that may come with it."""
    if isinstance(document, dict) and "schema" in document and isinstance(document.get("payload"), dict):
        document = document["payload"]
    if not isinstance(document, dict):
        raise ChangeError("no object")
    return document


def _time_us(payload: Mapping[str, object]) -> int:
    """When the row changed, by its database; 0 where that is not said."""
    source = payload.get("source")
    for said in (source.get("ts_ms") if isinstance(source, dict) else None, payload.get("ts_ms")):
        if isinstance(said, int) and not isinstance(said, bool) and said > 0:
            return plausible_us(said)
    return 0


class MerchantPoster(Poster):
    """Applies each change to its book before it is posted as a fact.

    What payments had come for the book before it was there is posted then by `strays`, a poster that reads them.
    """

    def __init__(
        self,
        dsn: str,
        *,
        decode: Callable[[Record], Incoming],
        chart: Mapping[str, object],
        strays: Poster,
        label: Label = no_label,
    ) -> None:
        super().__init__(dsn, decode=decode, label=label)
        self._chart = chart
        self._strays = strays

    def prepare(self, incoming: Sequence[Incoming], advances: Sequence[SourceAdvance]) -> Prepared:
        incarnations = {(a.topic, a.partition): a.incarnation for a in advances}
        changed = dict.fromkeys(event.fact.book for event in incoming if isinstance(event.fact, MerchantChanged))
        for event in incoming:
            if isinstance(event.fact, MerchantChanged):
                record = event.record
                incarnation = incarnations.get((record.topic, record.partition), 1)
                place = ChangePlace(plain(record.topic), record.partition, incarnation, record.offset)
                _tell(apply_change(self._applying, event.fact, place, self._chart))
        for book in filter(None, changed):  # whether or not it is new: the process may have died in between
            self._heal(book)
        return super().prepare(incoming, advances)

    def _heal(self, book: str) -> None:
        try:
            healed = self._strays.heal(SYSTEM_BOOK, f"book:{book}").healed
        except PostingHaltedError:
            log.warning("merchant.strays_wait", book=book)
        else:
            if healed:
                log.info("merchant.strays_decided", book=book, events=len(healed))

    def open(self) -> None:
        super().open()
        self._strays.open()
        self._applying = self._connect()
        self._connections.append(self._applying)

    def close(self) -> None:
        self._strays.close()
        super().close()


def _tell(applied: Applied) -> None:
    if applied.created:
        log.info("merchant.book_opened", book=applied.book)
    if applied.status is not None:
        log.info("merchant.status", book=applied.book, status=applied.status.value)
