"""Cursors: read back as issued, by the question that they were issued for, and by no other."""

import base64
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursors import Cursor, CursorError, Cursors, kept_key

QUESTIONS = st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=3)
CURSORS = st.builds(
    Cursor,
    after=st.lists(st.text(), max_size=3).map(tuple),
    position=st.one_of(st.none(), st.integers(0, 2**63 - 1)),
)
SIGNER = Cursors(b"k" * 32)


@given(cursor=CURSORS, question=QUESTIONS)
def test_a_cursor_is_read_back_as_it_was_issued(cursor: Cursor, question: dict[str, str]) -> None:
    text = SIGNER.issue(cursor, question)
    assert SIGNER.read(text, question) == cursor
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(cursor=CURSORS, question=QUESTIONS, other=QUESTIONS)
def test_a_cursor_of_another_question_is_refused(
    cursor: Cursor, question: dict[str, str], other: dict[str, str]
) -> None:
    text = SIGNER.issue(cursor, question)
    if other != question:
        with pytest.raises(CursorError):
            SIGNER.read(text, other)


@given(cursor=CURSORS, flipped=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_cursor_with_any_bit_changed_is_refused(cursor: Cursor, flipped: int, bit: int) -> None:
    text = SIGNER.issue(cursor, {})
    signed = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    signed[flipped % len(signed)] ^= 1 << bit
    with pytest.raises(CursorError):
        SIGNER.read(base64.urlsafe_b64encode(signed).decode().rstrip("="), {})


@given(text=st.text())
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(CursorError):
        SIGNER.read(text, {})


def test_a_cursor_signed_with_another_key_is_refused() -> None:
    text = Cursors(b"j" * 32).issue(Cursor(("a",)), {})
    with pytest.raises(CursorError):
        SIGNER.read(text, {})


def test_the_key_is_made_once_kept_and_readable_by_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "cursor.key"
    key = kept_key(path)
    assert kept_key(path) == key
    assert len(set(key)) > 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_broken_key_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "cursor.key"
    path.write_bytes(os.urandom(5))
    with pytest.raises(ValueError, match=r"cursor\.key is no cursor key"):
        kept_key(path)
    assert len(path.read_bytes()) == 5
