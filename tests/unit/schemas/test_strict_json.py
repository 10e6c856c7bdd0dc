"""JSON from strangers: each fault has its name, and precedence holds."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.strict_json import MAX_BYTES, MAX_DEPTH, UnreadableJsonError, has_every_member, nesting_depth, read_json

JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "RECORD_EMPTY"),
        (b"", "RECORD_EMPTY"),
        (b'"' + b"x" * MAX_BYTES + b'"', "RECORD_TOO_LARGE"),
        (b"\xff" * (MAX_BYTES + 1), "RECORD_TOO_LARGE"),
        (b"\xff\xfe{}", "NOT_UTF8"),
        (b'{"a":"\xed\xa0\x80"}', "NOT_UTF8"),
        (b"\xef\xbb\xbf{}", "NOT_JSON"),
        (b"{", "NOT_JSON"),
        (b"{} {}", "NOT_JSON"),
        (b'{"a":NaN}', "NOT_JSON"),
        (b'{"a":Infinity}', "NOT_JSON"),
        (b'{"a":01}', "NOT_JSON"),
        (b"{'a':1}", "NOT_JSON"),
        (b'{"a":"\\ud800"}', "NOT_JSON"),
        (b'{"a":"\x00"}', "NOT_JSON"),
        (b"[" * 65, "NOT_JSON"),
        (b"[" * 65 + b"]" * 65, "TOO_DEEP"),
        (b"[" * 100_000, "TOO_DEEP"),
        (b'{"a":1,"a":1}', "DUPLICATE_JSON_KEY"),
        (b'{"a":{"b":1,"\\u0062":2}}', "DUPLICATE_JSON_KEY"),
        (b"[" * 65 + b'{"a":1,"a":1}' + b"]" * 65, "TOO_DEEP"),
    ],
)
def test_fault_has_its_name(value: bytes | None, code: str) -> None:
    with pytest.raises(UnreadableJsonError) as caught:
        read_json(value)
    assert caught.value.code == code


def test_depth_up_to_the_limit_is_read() -> None:
    assert read_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_brackets_in_strings_do_not_count_as_depth() -> None:
    assert nesting_depth(b'{"a":"[[[[{{\\"[["}') == 1


def test_long_number_is_read_and_one_beyond_all_measure_is_not_json() -> None:
    assert read_json(b'{"a":' + b"9" * 300 + b"}") is not None
    with pytest.raises(UnreadableJsonError, match="NOT_JSON"):
        read_json(b'{"a":' + b"9" * 5_000 + b"}")


@given(JSON_TEXTS)
def test_what_others_write_is_read_as_they_mean_it(document: object) -> None:
    assert read_json(json.dumps(document).encode()) == document


@given(st.dictionaries(st.text(), st.text()), st.sampled_from([(",", ":"), (", ", ": ")]), st.booleans())
def test_missing_member_never_goes_unseen(
    document: dict[str, str], separators: tuple[str, str], ascii_only: bool
) -> None:
    once = json.dumps(document, separators=separators, ensure_ascii=ascii_only)
    twice = once[:-1] + (separators[0] if document else "") + '"k":"1","k":"2"}'
    value = twice.encode()
    read = orjson.loads(value)
    assert not has_every_member(value, orjson.dumps(read))
