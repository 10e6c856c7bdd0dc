"""Reads JSON from strangers: one meaning for every reader, or a refusal with a name.

Refuses what parsers disagree on or choke on: bad UTF-8, NaN, lone surrogates, repeated keys, deep nesting.
"""

import json
import re
from typing import Literal, NoReturn

import orjson

JsonFault = Literal["RECORD_TOO_LARGE", "RECORD_EMPTY", "NOT_UTF8", "NOT_JSON", "TOO_DEEP", "DUPLICATE_JSON_KEY"]

MAX_BYTES = 1_000_000  # below what a broker takes by default: the refusal is ours, with a code and the bytes kept
MAX_DEPTH = 64
PARSER_DEPTH = 1000  # the parser gives up somewhere above this, so that its failure says nothing about the syntax

_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)


class UnreadableJsonError(ValueError):
    """Bytes that have no one meaning as JSON; `code` is the first fault in the order of `JsonFault`."""

    def __init__(self, code: JsonFault, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code: JsonFault = code
        self.detail = detail


def read_json(value: bytes | None) -> object:
    """The document in these bytes. Raises `UnreadableJsonError`."""
    if value is not None and len(value) > MAX_BYTES:
        raise UnreadableJsonError("RECORD_TOO_LARGE", f"{len(value)} bytes, more than {MAX_BYTES}")
    if not value:
        raise UnreadableJsonError("RECORD_EMPTY", "the record has no value")
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise UnreadableJsonError("NOT_UTF8", f"byte {error.start} is not UTF-8") from None
    depth = nesting_depth(value)
    try:
        document: object = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        if depth > PARSER_DEPTH:
            raise UnreadableJsonError("TOO_DEEP", f"{depth} levels, more than {MAX_DEPTH}") from None
        raise UnreadableJsonError("NOT_JSON", f"not JSON at line {error.lineno} column {error.colno}") from None
    if depth > MAX_DEPTH:
        raise UnreadableJsonError("TOO_DEEP", f"{depth} levels, more than {MAX_DEPTH}")
    json.loads(text, object_pairs_hook=_refuse_duplicates, parse_int=len, parse_float=len)
    return document


def nesting_depth(value: bytes) -> int:
    """How deep arrays and objects nest, read without recursion."""
    depth = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(value):
        token = match[0]
        if token in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif token in (b"]", b"}"):
            depth -= 1
    return deepest


def has_every_member(value: bytes, canonical: bytes) -> bool:
    """True only when `value` repeats no key, `canonical` being the compact form of what was read from it.

    A repeated member is lost in reading, so that its bytes, and the quotes around its name, are missing from
    the compact form. Spaces hide the bytes, escapes the quotes: False says "look closer" with `read_json`.
    """
    if len(value) == len(canonical):
        return True
    return value.count(b'"') == canonical.count(b'"') and b"\\" not in value


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        _refuse_key()


def _refuse_key() -> NoReturn:
    raise UnreadableJsonError("DUPLICATE_JSON_KEY", "an object has two members of one name")
