"""Checkpoints: the lines that are signed, to the byte, and nothing that only looks like them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ledger_core.store.proof.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from ledger_core.store.proof.notes import NoteError, SigningKey, sign_note

KEY = SigningKey("ledger.example/prod", bytes(range(32)))
CHECKPOINT = Checkpoint(
    book="shop",
    block_number=42,
    position=168,
    block_hash=bytes(range(32)),
    tree_root=bytes(range(32, 64)),
    recorded_at=datetime(2026, 11, 21, 8, 46, 53, 7, UTC),
    log_epoch=1,
)
LINES = """\
ledger.example/prod/shop
42
ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=
position 168
block-hash 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
recorded-at 2026-11-21T08:46:53.000007Z
log-epoch 1
"""


def test_the_signed_lines_are_as_documented() -> None:
    assert CHECKPOINT.text("ledger.example/prod") == LINES
    signed = SignedCheckpoint.sign(CHECKPOINT, KEY)
    assert signed.note == sign_note(LINES, KEY)
    assert signed.is_genuine
    assert open_checkpoint(signed.note, [KEY.public]) == (CHECKPOINT, KEY.public)


@pytest.mark.parametrize(
    "changed",
    [
        replace(CHECKPOINT, book="shop2"),
        replace(CHECKPOINT, block_number=43),
        replace(CHECKPOINT, position=169),
        replace(CHECKPOINT, block_hash=bytes(32)),
        replace(CHECKPOINT, tree_root=bytes(32)),
        replace(CHECKPOINT, recorded_at=datetime(2026, 11, 21, 8, 46, 53, 8, UTC)),
        replace(CHECKPOINT, log_epoch=2),
    ],
)
def test_the_signature_covers_every_line(changed: Checkpoint) -> None:
    signed = SignedCheckpoint.sign(CHECKPOINT, KEY)
    assert not replace(signed, checkpoint=changed).is_genuine


@pytest.mark.parametrize(
    "text",
    [
        LINES.replace("position 168", "position 0168"),
        LINES.replace("log-epoch 1\n", "log-epoch 1\nand more\n"),
        LINES.replace("log-epoch 1\n", ""),
        LINES.replace("42\n", "-42\n", 1),
        LINES.replace("0001020304", "0001020304".upper().replace("0", "A")),
        LINES.replace("11-21T", "13-21T"),
        LINES.replace("Pj8=", "Pj9="),
        LINES.replace("ledger.example/prod/shop", "ledger.example/prod"),
        "Something else altogether.\n",
    ],
)
def test_signed_lines_that_are_no_checkpoint_are_refused(text: str) -> None:
    with pytest.raises(NoteError):
        open_checkpoint(sign_note(text, KEY), [KEY.public])


def test_a_key_signs_under_its_own_name_only() -> None:
    note = sign_note(CHECKPOINT.text("someone.else"), KEY)
    with pytest.raises(NoteError, match=r"signed a checkpoint of someone\.else"):
        open_checkpoint(note, [KEY.public])
