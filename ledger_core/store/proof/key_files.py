"""Keys in files, one line each. A private key that others of this machine could read is refused."""

import os
import stat
from pathlib import Path
from typing import Final

from ledger_core.store.proof.notes import NoteError, PublicKey, SigningKey

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
MAX_KEY_BYTES: Final = 4096


class KeyFileError(ValueError):
    """A key file that cannot be used. The message names the file and says nothing of what is in it."""


def public_key_path(path: Path) -> Path:
    """Where the public half of a private key is written: beside it."""
    return path.with_name(f"{path.name}.pub")


def write_key(path: Path, key: SigningKey) -> Path:
    """Write a new private key, for its owner's eyes only, and its public key beside it; answers where the latter is.

    Neither file may exist: a key is never overwritten. Raises KeyFileError.
    """
    public_path = public_key_path(path)
    _write_new(public_path, key.public.text, 0o644)
    try:
        _write_new(path, key.secret_text(), 0o600)
    except KeyFileError:
        public_path.unlink()
        raise
    return public_path


def _write_new(path: Path, line: str, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except FileExistsError:
        raise KeyFileError(f"{path} exists already, and a key is never overwritten") from None
    except OSError as error:
        raise KeyFileError(f"{path} can't be written: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{line}\n")


def read_signing_key(path: Path) -> SigningKey:
    """The private key in a file that only its owner can read. Raises KeyFileError."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & OTHERS:
                problem = f"{path} can be read or written by others than its owner (mode {stat.S_IMODE(mode):04o})"
                raise KeyFileError(f"{problem}: chmod 600 it")
            text = file.read(MAX_KEY_BYTES)
    except OSError as error:
        raise KeyFileError(f"{path} can't be read: {error.strerror}") from None
    try:
        return SigningKey.parse(text.decode("ascii"))
    except (NoteError, UnicodeDecodeError):
        raise KeyFileError(f"{path} holds no private key; make one with: ledgerctl checkpoint keygen FILE") from None


def read_public_keys(path: Path) -> list[PublicKey]:
    """The public keys in a file, one a line; empty lines and lines that begin with # are none. Raises KeyFileError."""
    try:
        lines = [line.strip() for line in path.read_text("ascii").splitlines()]
        keys = [PublicKey.parse(line) for line in lines if line and not line.startswith("#")]
    except OSError as error:
        raise KeyFileError(f"{path} can't be read: {error.strerror}") from None
    except NoteError as error:
        raise KeyFileError(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise KeyFileError(f"{path} holds no public key") from None
    if not keys:
        raise KeyFileError(f"{path} holds no public key")
    return keys
