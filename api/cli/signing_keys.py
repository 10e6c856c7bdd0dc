"""Keys and checkpoints in files that commands are told of."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from api.cli.errors import CliError
from ledger_core.store.proof.checkpoint import Checkpoint, open_checkpoint
from ledger_core.store.proof.key_files import KeyFileError, read_public_keys, read_signing_key
from ledger_core.store.proof.notes import NoteError, PublicKey, SigningKey
from ledger_core.store.verify import Trust

SIGNING_KEY_VARIABLE: Final = "LEDGER_SIGNING_KEY_FILE"
NOTES: Final = re.compile(r"(?:^[^\n]+\n)+\n(?:^— [^\n]+\n)+", re.MULTILINE)
"""Signed notes, one under another."""

PinnedKeys = Annotated[
    list[Path] | None, typer.Option("--key", help="File with the public keys that count (may be repeated).")
]
KeptCheckpoints = Annotated[
    list[Path] | None, typer.Option("--checkpoint", help="Signed checkpoint kept elsewhere, with --key (repeatable).")
]
SigningKeyFile = Annotated[
    Path | None, typer.Option("--signing-key", envvar=SIGNING_KEY_VARIABLE, help="File with the private key.")
]


def pinned_keys(paths: Sequence[Path] | None) -> list[PublicKey]:
    """The public keys in these files."""
    try:
        return [key for path in paths or () for key in read_public_keys(path)]
    except KeyFileError as error:
        raise CliError("KEY_UNUSABLE", str(error), "make keys with: ledgerctl checkpoint keygen FILE") from None


def signing_key(path: Path | None) -> SigningKey:
    """The private key in this file."""
    if path is None:
        raise CliError(
            "SIGNING_KEY_MISSING", "no signing key is set", f"give --signing-key FILE, or set {SIGNING_KEY_VARIABLE}"
        )
    try:
        return read_signing_key(path)
    except KeyFileError as error:
        raise CliError("KEY_UNUSABLE", str(error), "make keys with: ledgerctl checkpoint keygen FILE") from None


def read_trust(keys: Sequence[Path] | None, checkpoints: Sequence[Path] | None) -> Trust:
    """Pinned keys, and checkpoints that they signed."""
    pinned = pinned_keys(keys)
    if checkpoints and not pinned:
        raise typer.BadParameter("a checkpoint is worth what its key is: pin that with --key")
    return Trust(pinned, [checkpoint for path in checkpoints or () for checkpoint in _read_checkpoints(path, pinned)])


def _read_checkpoints(path: Path, pinned: Sequence[PublicKey]) -> Iterator[Checkpoint]:
    """The checkpoints in a file, one under another as `checkpoint sign` prints them."""
    try:
        text = path.read_text("utf-8")
        for note in NOTES.findall(text) or [text]:
            yield open_checkpoint(note, pinned)[0]
    except (OSError, UnicodeDecodeError, NoteError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CliError(
            "CHECKPOINT_UNUSABLE", f"{path}: {reason}", "give a file as checkpoint sign printed it"
        ) from None
