"""Records that no producer should send, each under an id and order key of its own, and the code that it must get."""

from collections.abc import Callable
from typing import Final

from deploy.demo.messages import Message
from tests.support.postings import by_hand, captured, event

Make = Callable[[str], Message]
"""Makes the record for one order key."""


def value(change: Callable[[bytes], bytes]) -> Make:
    """A good capture whose bytes are changed."""

    def make(key: str) -> Message:
        good = captured(key)
        return Message(good.key, good.headers, change(good.value))

    return make


def put(old: bytes, new: bytes) -> Make:
    return value(lambda good: good.replace(old, new))


def header(name: str, content: bytes) -> Make:
    """A good capture of which one attribute is something else."""

    def make(key: str) -> Message:
        good = captured(key)
        return Message(good.key, tuple((n, content if n == name else c) for n, c in good.headers), good.value)

    return make


def without(name: str) -> Make:
    def make(key: str) -> Message:
        good = captured(key)
        return Message(good.key, tuple(one for one in good.headers if one[0] != name), good.value)

    return make


def data(**changed: object) -> Make:
    """A capture with other members."""

    def make(key: str) -> Message:
        members = {"payment_id": key, "amount_minor": "100", "currency": "EUR", "method": "card", **changed}
        return event("payment.captured.v1", key, f"captured-{key}", members)

    return make


def parts(*beneficiaries: tuple[str, str], **more: object) -> Make:
    return data(beneficiaries=[{"account": code, "amount_minor": amount} for code, amount in beneficiaries], **more)


def raw(headers: tuple[tuple[str, bytes], ...], content: bytes) -> Make:
    return lambda key: Message(key.encode(), headers, content)


def unbalanced(key: str) -> Message:
    voucher = by_hand()
    lines = [{"account": "cash:till:1", "side": "debit", "amount_minor": "4", "currency": "EUR"}]
    lines.append({"account": "wallet:seller:1", "side": "credit", "amount_minor": "5", "currency": "EUR"})
    return event("voucher.requested.v1", key, f"voucher-{key}", {**voucher, "lines": lines})


POISON: Final[dict[str, tuple[Make, str]]] = {
    "empty": (value(lambda _: b""), "RECORD_EMPTY"),
    "oversized": (value(lambda good: good + b" " * 1_000_000), "RECORD_TOO_LARGE"),
    "not UTF-8": (value(lambda _: b"\xff\xfe"), "NOT_UTF8"),
    "not UTF-8 inside a text": (put(b"card", b"ca\xffd"), "NOT_UTF8"),
    "not JSON": (value(lambda _: b"amount=100"), "NOT_JSON"),
    "truncated": (value(lambda good: good[:-3]), "NOT_JSON"),
    "lone surrogate": (put(b"card", b"\\ud800"), "NOT_JSON"),
    "NaN": (put(b'"100"', b"NaN"), "NOT_JSON"),
    "huge number": (put(b'"100"', b"1" * 5_000), "NOT_JSON"),
    "deep": (value(lambda _: b"[" * 5_000 + b"]" * 5_000), "TOO_DEEP"),
    "deep object": (value(lambda _: b'{"a":' * 5_000 + b"1" + b"}" * 5_000), "TOO_DEEP"),
    "duplicate member": (value(lambda good: good[:-1] + b',"currency":"USD"}'), "DUPLICATE_JSON_KEY"),
    "not an object": (value(lambda _: b"[1]"), "DATA_INVALID"),
    "NUL in a text": (put(b"card", b"ca\\u0000rd"), "DATA_INVALID"),
    "unknown member": (data(extra=1), "DATA_INVALID"),
    "missing member": (put(b'"method"', b'"methods"'), "DATA_INVALID"),
    "list for a text": (data(currency=["EUR"]), "DATA_INVALID"),
    "account with a NUL": (parts(("wallet:seller:\0", "1")), "DATA_INVALID"),
    "account in other letters": (parts(("wallet:seller:ü", "1")), "DATA_INVALID"),
    "account of 201": (parts(("w" * 201, "1")), "DATA_INVALID"),
    "a thousand and one parts": (parts(*[("wallet:seller:1", "1")] * 1_001), "DATA_INVALID"),
    "float": (data(amount_minor=100.0), "AMOUNT_INVALID"),
    "number": (data(amount_minor=100), "AMOUNT_INVALID"),
    "wide digits": (data(amount_minor="１００"), "AMOUNT_INVALID"),
    "exponent": (data(amount_minor="1e3"), "AMOUNT_INVALID"),
    "major units": (data(amount_minor="1.00"), "AMOUNT_INVALID"),
    "zero in front": (data(amount_minor="0100"), "AMOUNT_INVALID"),
    "twenty digits": (data(amount_minor="1" * 20), "AMOUNT_INVALID"),
    "negative": (data(amount_minor="-1"), "AMOUNT_NOT_POSITIVE"),
    "zero": (data(amount_minor="0"), "AMOUNT_NOT_POSITIVE"),
    "unknown currency": (data(currency="XYZ"), "CURRENCY_UNKNOWN"),
    "unbalanced": (unbalanced, "VOUCHER_UNBALANCED"),
    "same account on both sides": (
        parts(("wallet:seller:1", "100"), payer="wallet:seller:1"),
        "SAME_ACCOUNT_BOTH_SIDES",
    ),
    "missing role": (parts(("control:NOBODY", "1")), "CONTROL_ACCOUNT_MISSING"),
    "header with a NUL in its name": (raw((("x\0y", b"1"),), b"\xff"), "NOT_UTF8"),
    "header without bytes": (raw((("ce_id", b""), ("x", b"\x00\xff")), b"{}"), "ENVELOPE_INVALID"),
    "NUL in the id": (header("ce_id", b"a\0b"), "ENVELOPE_INVALID"),
    "NUL in the order key": (header("ce_subject", b"a\0b"), "ENVELOPE_INVALID"),
    "surrogate in the id": (header("ce_id", "\ud800".encode("utf-8", "surrogatepass")), "ENVELOPE_INVALID"),
    "id of 201": (header("ce_id", b"x" * 201), "ENVELOPE_INVALID"),
    "no id": (without("ce_id"), "ENVELOPE_INVALID"),
    "book in capitals": (header("ce_ledgerbook", b"SHOP"), "ENVELOPE_INVALID"),
    "the system's own book": (header("ce_ledgerbook", b"system"), "ENVELOPE_INVALID"),
    "the system's own source": (header("ce_source", b"conflict"), "ENVELOPE_INVALID"),
    "time without zone": (header("ce_time", b"2026-11-21T08:46:53"), "ENVELOPE_INVALID"),
    "year ten thousand": (header("ce_time", b"10000-01-01T00:00:00Z"), "ENVELOPE_INVALID"),
    "year zero": (header("ce_time", b"0000-01-01T00:00:00Z"), "ENVELOPE_INVALID"),
    "leap second": (header("ce_time", b"2016-12-31T23:59:60Z"), "ENVELOPE_INVALID"),
    "unknown type": (header("ce_type", b"payment.eaten.v1"), "EVENT_TYPE_UNKNOWN"),
    "unknown version": (header("ce_type", b"payment.captured.v99"), "SCHEMA_VERSION_UNKNOWN"),
    "unknown book": (header("ce_ledgerbook", b"elsewhere"), "BOOK_UNKNOWN"),
}


def poison() -> dict[str, tuple[Message, str]]:
    """Each record, and its code."""
    return {name: (make(f"p-{number}"), code) for number, (name, (make, code)) in enumerate(POISON.items())}
