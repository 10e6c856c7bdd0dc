"""Signed notes: the published example to the byte, and no other spelling of anything passes."""

from pathlib import Path

import pytest

from ledger_core.store.proof.key_files import (
    KeyFileError,
    public_key_path,
    read_public_keys,
    read_signing_key,
    write_key,
)
from ledger_core.store.proof.notes import NoteError, PublicKey, SigningKey, decode64, open_note, read_note, sign_note

# The example of the reference implementation of signed notes (golang.org/x/mod/sumdb/note).
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
NOTE = f"{TEXT}\n— PeterNeumann {SIGNATURE}\n"
SEED = bytes(range(32))


def test_the_published_example_comes_out_to_the_byte() -> None:
    key = SigningKey.parse(PRIVATE)
    assert sign_note(TEXT, key) == NOTE
    assert (key.public.text, key.secret_text()) == (PUBLIC, PRIVATE)
    assert open_note(NOTE, [PublicKey.parse(PUBLIC)]) == (TEXT, key.public)


def test_a_change_of_any_character_of_a_note_is_refused() -> None:
    keys = [PublicKey.parse(PUBLIC)]
    for at, character in enumerate(NOTE):
        for other in {"A", "b", "\n", " ", "="} - {character}:
            with pytest.raises(NoteError):
                open_note(NOTE[:at] + other + NOTE[at + 1 :], keys)
        with pytest.raises(NoteError):
            open_note(NOTE[:at] + NOTE[at + 1 :], keys)


@pytest.mark.parametrize("text", [PUBLIC, PRIVATE])
def test_a_cut_or_changed_key_is_no_key(text: str) -> None:
    parse = SigningKey.parse if text == PRIVATE else PublicKey.parse
    for at in range(1, len(text)):
        with pytest.raises(NoteError):
            parse(text[:at])
    for at in range(len(text)):
        with pytest.raises(NoteError):
            parse(text[:at] + chr(ord(text[at]) + 1) + text[at + 1 :])


def test_signatures_of_others_are_passed_over_but_ours_must_be_right() -> None:
    witness, key = SigningKey("witness", SEED), SigningKey.parse(PRIVATE)
    under = sign_note(TEXT, witness).removeprefix(f"{TEXT}\n")
    assert open_note(NOTE + under, [key.public]) == (TEXT, key.public)
    assert open_note(NOTE + under, [witness.public]) == (TEXT, witness.public)
    namesake = SigningKey("PeterNeumann", SEED)
    with pytest.raises(NoteError, match=r"signed by PeterNeumann\+c74f20a3, not by PeterNeumann\+"):
        open_note(NOTE, [namesake.public])
    other_text = sign_note("Something else.\n", key).removeprefix("Something else.\n\n")
    with pytest.raises(NoteError, match=r"signature of PeterNeumann\+c74f20a3 is wrong"):
        open_note(f"{TEXT}\n{other_text}", [key.public])


@pytest.mark.parametrize("note", ["", "\n\n", "text\n", "text\n\n", f"{TEXT}\n— PeterNeumann x08go\n", "a\n\n-- b c\n"])
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(NoteError):
        read_note(note)


@pytest.mark.parametrize("text", ["QQ", "QR==", "QQ==\n", "Q Q=", "QQ=", "é", "QUJD===="])
def test_base64_has_one_spelling(text: str) -> None:
    with pytest.raises(NoteError):
        decode64(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "/a", "a/", "ключ", "a\n", "x" * 101])
def test_a_name_that_would_blur_the_note_is_refused(name: str) -> None:
    with pytest.raises(NoteError):
        SigningKey(name, SEED)


def test_a_private_key_does_not_show_itself() -> None:
    key = SigningKey.parse(PRIVATE)
    secret = PRIVATE.rpartition("+")[2]
    assert secret not in repr(key)
    assert secret not in f"{key}"
    assert not hasattr(key, "__dict__")


def test_keys_survive_their_files(tmp_path: Path) -> None:
    key, path = SigningKey.generate("ledger.example"), tmp_path / "signing.key"
    public_path = write_key(path, key)
    assert path.stat().st_mode & 0o777 == 0o600
    assert public_path == public_key_path(path)
    assert read_signing_key(path).public == key.public
    assert read_public_keys(public_path) == [key.public]
    with pytest.raises(KeyFileError, match="exists already"):
        write_key(path, SigningKey.generate("ledger.example"))
    assert read_signing_key(path).public == key.public


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o601, 0o660])
def test_a_private_key_that_others_can_touch_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    write_key(path, SigningKey.generate("ledger"))
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="others than its owner"):
        read_signing_key(path)


@pytest.mark.parametrize("content", [b"", b"secret-words", b"\xff\xfe", PUBLIC.encode(), PRIVATE.encode()[:-4]])
def test_a_file_that_holds_no_key_is_refused_without_its_content(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError) as refused:
        read_signing_key(path)
    assert "secret-words" not in str(refused.value)
    if content != PUBLIC.encode():
        with pytest.raises(KeyFileError):
            read_public_keys(path)


def test_several_public_keys_can_be_pinned_in_one_file(tmp_path: Path) -> None:
    first, second = SigningKey.generate("ledger").public, SigningKey.generate("ledger").public
    path = tmp_path / "pinned"
    path.write_text(f"# until March\n{first.text}\n\n{second.text}\n")
    assert read_public_keys(path) == [first, second]
    with pytest.raises(KeyFileError, match="can't be read"):
        read_public_keys(tmp_path / "absent")
