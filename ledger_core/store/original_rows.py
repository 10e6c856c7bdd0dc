"""Vouchers to which events of a batch refer: found after the subjects' locks, judged after those of the heads."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, LiteralString

import orjson

from ledger_core.domain.cases import SubjectKey
from ledger_core.domain.charts import Role
from ledger_core.domain.custody import FOLLOWS
from ledger_core.domain.originals import (
    SEVERAL,
    Original,
    VoucherKey,
    Vouchers,
    commissions_said,
    legs_said,
    no_voucher,
)
from ledger_core.domain.outcomes import Refusal
from ledger_core.domain.part_life import MIRRORED, REFERS, key_of
from ledger_core.domain.payments import PaymentCaptured, PaymentVoided
from ledger_core.domain.references import VoidRequested, VoucherLink
from ledger_core.domain.requests import CompensationRequested, VoucherRef
from ledger_core.domain.stories import SettlementConfirmed
from ledger_core.domain.subjects import Subject
from ledger_core.store.books import Book
from ledger_core.store.encoding import EVENT_PARKED, FACT_RECORDED, VOUCHER_POSTED, moment_us
from ledger_core.store.items import Item
from ledger_core.store.named_sql import load_queries
from ledger_core.store.part_rows import captured_in_parts
from ledger_core.store.prepare import Preparer
from ledger_core.store.transaction import QUERIES, Transaction

_ASKS_FOR_CAPTURES = (PaymentVoided, SettlementConfirmed, *FOLLOWS)
"""Facts that are decided on what the captures of their payment posted."""
LINK_QUERIES = load_queries("ledger_core.store", "links.sql")


class OriginalRows:
    """Finds what events refer to. `vouchers` is what decisions read; `items` are arrivals and parked ones."""

    def __init__(self, transaction: Transaction, preparer: Preparer, items: Sequence[Item]) -> None:
        self._transaction = transaction
        self._preparer = preparer
        self._items = items
        self._books = {item.book.book_id: item.book for item in items}
        self._in_parts: set[SubjectKey] = set()
        self.vouchers = Vouchers()

    def find(self, known: Mapping[SubjectKey, Subject], of_parts: Sequence[VoucherKey] = ()) -> None:
        """Reads the vouchers that requests name, the captures that voids would mirror or from whose accounts something
        goes back, and those of parts."""
        refs = list(dict.fromkeys(_refs(self._items)))
        numbered = [(book_id, ref) for book_id, ref in refs if ref.voucher_no]
        by_event = [(book_id, ref) for book_id, ref in refs if not ref.voucher_no]
        self._in_parts = captured_in_parts(self._items, known)
        captures = [(key[0], reference) for key in self._asking() if key in known for reference in known[key].captures]
        captures += of_parts
        if numbered:
            self._read("vouchers_by_number", numbered, {"numbers": [ref.voucher_no for _, ref in numbered]})
        if by_event:
            names = {
                "sources": [ref.source for _, ref in by_event],
                "event_ids": [ref.event_id for _, ref in by_event],
            }
            self._read("vouchers_by_event", by_event, names)
        if captures:
            self._read("vouchers_by_reference", captures, {"references": [reference for _, reference in captures]})
        self._name_clearing()

    def heads(self) -> Iterator[int]:
        """The accounts of all that was found: a mirror touches the same."""
        for original in self.vouchers.by_reference.values():
            for movement in original.movements:
                yield movement.head

    def judge(self) -> None:
        """Reads under the heads' locks what is reversed already, and where books stand that refer to themselves."""
        found = list(self.vouchers.by_reference.items())
        if found:
            parameters = {
                "books": [book_id for (book_id, _), _ in found],
                "positions": [original.link.position for _, original in found],
            }
            for (place,) in self._transaction.cursor.execute(LINK_QUERIES["reversed"], parameters).fetchall():
                found[place - 1][1].reversed = True
        if self._refer_to_one_another():
            self._lock_books()

    def answered(self) -> list[SubjectKey]:
        """Order keys with a parked event whose voucher has posted meanwhile, past its queue."""
        return [
            item.subject_key
            for item in self._items
            if item.position_parked and isinstance(item.fact, VoidRequested) and self._is_found(item.fact.voucher, item)
        ]

    def _is_found(self, ref: VoucherRef, item: Item) -> bool:
        return (item.book.book_id, ref) in self.vouchers.by_ref

    def _refer_to_one_another(self) -> bool:
        """True when an event may refer to a voucher that another one of this batch posts."""
        if any((ref := _ref_of(item)) is not None and not self._is_found(ref, item) for item in self._items):
            return True
        if _steps_meet(self._items):
            return True
        asking = self._asking()
        return bool(asking) and any(
            (isinstance(item.fact, PaymentCaptured) and item.subject_key in asking)
            or (isinstance(item.fact, FOLLOWS) and item.subject_key in self._in_parts)
            for item in self._items
        )

    def _asking(self) -> set[SubjectKey]:
        """Order keys of payments whose captures decide."""
        return self._in_parts.union(
            item.subject_key for item in self._items if isinstance(item.fact, _ASKS_FOR_CAPTURES)
        )

    def _name_clearing(self) -> None:
        """The processor's account in each currency in which something may go back to a payer."""
        named = {
            (item.book.book_id, item.fact.currency)
            for item in self._items
            if isinstance(item.fact, (*FOLLOWS, PaymentCaptured))
        }
        found = self.vouchers.by_reference.items() if self._in_parts else ()
        named.update((book_id, original.movements[0].line.currency) for (book_id, _), original in found)
        for book_id, currency in named:
            account = self._books[book_id].chart.control(Role.PROCESSOR_CLEARING, currency)
            if account is not None:
                self.vouchers.clearing[book_id, currency] = account

    def _lock_books(self) -> None:
        """Step 6 earlier than usual: only then is it known which number and position a voucher of this batch gets."""
        parameters = {"books": sorted(self._books)}
        for book_id, position, voucher_no, *_ in self._transaction.cursor.execute(
            QUERIES["lock_books"], parameters
        ).fetchall():
            self.vouchers.stands[book_id] = VoucherLink(position, voucher_no)

    def _read(self, query: str, asked: Sequence[tuple[int, Any]], names: dict[str, list[Any]]) -> None:
        parameters = {"books": [book_id for book_id, _ in asked], **names}
        statement: LiteralString = LINK_QUERIES[query]
        for place, *row in self._transaction.cursor.execute(statement, parameters).fetchall():
            book_id, ref = asked[place - 1]
            found = self._voucher(self._books[book_id], ref, *row)
            if isinstance(ref, VoucherRef) and found is not None:
                self.vouchers.by_ref[book_id, ref] = found

    def _voucher(
        self, book: Book, ref: object, event_type: str, position: int, voucher_no: int, order_key: str, state: bytes,
        reference: int,
    ) -> Original | Refusal | None:  # fmt: skip
        """What a reference leads to; None where it may yet lead somewhere."""
        if event_type == EVENT_PARKED:
            if isinstance(ref, VoucherRef):
                self.vouchers.parked_under[book.book_id, ref] = order_key
            return None
        if event_type == FACT_RECORDED and not isinstance(ref, VoucherRef):
            self.vouchers.recorded_at_us[book.book_id, reference] = moment_us(orjson.loads(state)["effective_at"])
        if event_type != VOUCHER_POSTED:
            return no_voucher()
        document = orjson.loads(state)
        if "group" in document and isinstance(ref, VoucherRef) and not ref.voucher_no:
            return SEVERAL
        movements = self._preparer.movements_of(book, document["lines"])
        accounts = [book.accounts[line[0]] for line in document["lines"]]
        original = Original(
            reference, VoucherLink(position, voucher_no), order_key, document["kind"],
            document["event_type"], int(document["amount_minor"]),
            movements, moment_us(document["effective_at"]), commissions_said(document), legs=legs_said(document),
            clearing=frozenset(account.head for account in accounts if account.role == Role.PROCESSOR_CLEARING),
        )  # fmt: skip
        return self.vouchers.add(book.book_id, original)


def _steps_meet(items: Sequence[Item]) -> bool:
    """True when one step of a part may post the mirror of another one of this batch, or is compared with it."""
    keys = [key_of(item) for item in items if isinstance(item.fact, (*REFERS, *MIRRORED))]
    return len(keys) > len(set(keys))


def _refs(items: Iterable[Item]) -> Iterator[tuple[int, VoucherRef]]:
    """What these events refer to; a source that they leave out is their own."""
    for item in items:
        ref = _ref_of(item)
        if ref is not None:
            yield item.book.book_id, ref


def _ref_of(item: Item) -> VoucherRef | None:
    fact = item.fact
    if isinstance(fact, VoidRequested):
        fact.voucher = _with_source(fact.voucher, item)
        return fact.voucher
    if isinstance(fact, CompensationRequested):
        fact.compensates = _with_source(fact.compensates, item)
        return fact.compensates
    return None


def _with_source(ref: VoucherRef, item: Item) -> VoucherRef:
    return ref._replace(source=item.incoming.source) if ref.event_id and not ref.source else ref
