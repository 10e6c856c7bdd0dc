"""A checkpoint: what a book's log was at the end of one block, in the lines that are signed.

The form is that of a transparency log's checkpoint (C2SP tlog-checkpoint), whose first three lines are origin, size and
root of a tree; here the tree over the book's block hashes. Lines of our own follow, always these and in this order:

    ledger.example/shop                                 name of the key, a slash, code of the book
    42                                                  number of the block, which is the size of the tree
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=        root of the tree over the hashes of blocks 1 … 42
    position 168                                        last position in the block
    block-hash 9f2b…                                    hash of the block, in hex
    recorded-at 2026-11-21T08:46:53.000007Z             when the block was recorded
    log-epoch 1                                         epoch of the log
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from ledger_core.store.proof.notes import NoteError, PublicKey, SigningKey, decode64, encode64, open_note, write_note

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
_NUMBER: Final = "[1-9][0-9]{0,18}"
_TEXT: Final = re.compile(
    rf"(?P<key_name>\S+)/(?P<book>[a-z0-9._-]+)\n(?P<block>{_NUMBER})\n(?P<root>[A-Za-z0-9+/=]{{44}})\n"
    rf"position (?P<position>{_NUMBER})\nblock-hash (?P<hash>[0-9a-f]{{64}})\n"
    rf"recorded-at (?P<recorded_at>[0-9T:.-]{{26}}Z)\nlog-epoch (?P<log_epoch>{_NUMBER})\n"
)


@dataclass(slots=True, frozen=True)
class Checkpoint:
    """One book's log up to and with one block. `recorded_at` is the block's."""

    book: str
    block_number: int
    position: int
    block_hash: bytes
    tree_root: bytes
    recorded_at: datetime
    log_epoch: int

    @property
    def recorded_at_us(self) -> int:
        """Microseconds since 1970-01-01 UTC."""
        return (self.recorded_at - EPOCH) // timedelta(microseconds=1)

    def text(self, key_name: str) -> str:
        """The lines that are signed by a key of this name."""
        return (
            f"{key_name}/{self.book}\n{self.block_number}\n{encode64(self.tree_root)}\n"
            f"position {self.position}\nblock-hash {self.block_hash.hex()}\n"
            f"recorded-at {self.recorded_at.astimezone(UTC).strftime(TIME_FORMAT)}\nlog-epoch {self.log_epoch}\n"
        )


@dataclass(slots=True, frozen=True)
class SignedCheckpoint:
    """A checkpoint with its signature."""

    checkpoint: Checkpoint
    key: PublicKey
    signature: bytes

    @property
    def note(self) -> str:
        """What is printed and published: the lines, and the signature under them."""
        return write_note(self.checkpoint.text(self.key.name), self.key, self.signature)

    @property
    def is_genuine(self) -> bool:
        """Whether the key that it names signed it."""
        return self.key.verifies(self.signature, self.checkpoint.text(self.key.name).encode())

    @classmethod
    def sign(cls, checkpoint: Checkpoint, key: SigningKey) -> Self:
        return cls(checkpoint, key.public, key.sign(checkpoint.text(key.public.name).encode()))


def open_checkpoint(note: str, keys: Sequence[PublicKey]) -> tuple[Checkpoint, PublicKey]:
    """The checkpoint in a note that one of `keys` signed. Raises NoteError with the reason."""
    text, key = open_note(note, keys)
    key_name, checkpoint = read_checkpoint(text)
    if key_name != key.name:
        raise NoteError(f"{key.label} signed a checkpoint of {key_name}")
    return checkpoint, key


def read_checkpoint(text: str) -> tuple[str, Checkpoint]:
    """Name of the key and the checkpoint in its lines, whoever signed them. Raises NoteError."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise NoteError("the signed text is no checkpoint of a ledger")
    try:
        recorded_at = datetime.strptime(match["recorded_at"], TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise NoteError("the checkpoint's time is none") from None
    checkpoint = Checkpoint(
        book=match["book"],
        block_number=int(match["block"]),
        position=int(match["position"]),
        block_hash=bytes.fromhex(match["hash"]),
        tree_root=decode64(match["root"]),
        recorded_at=recorded_at,
        log_epoch=int(match["log_epoch"]),
    )
    if checkpoint.text(match["key_name"]) != text:
        raise NoteError("the checkpoint is not written the one way that it can be")
    return match["key_name"], checkpoint
