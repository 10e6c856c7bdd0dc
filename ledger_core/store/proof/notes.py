"""Signed notes: a text that people can read, and under it who signed it (Ed25519).

The forms are those of signed notes as transparency logs use them (C2SP signed-note), so that their tools read ours:

    key id       = SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key), first four bytes
    public key   = name+<key id in hex>+<base64 of 0x01 ‖ public key>
    private key  = PRIVATE+KEY+name+<key id in hex>+<base64 of 0x01 ‖ seed>
    note         = text, an empty line, and per signature: — name <base64 of key id ‖ signature>

What is signed is the text with its last line feed. Every base64 has exactly one spelling here: a changed character
never reads as the same bytes.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:/-]{0,98}[A-Za-z0-9])?")
PRIVATE_PREFIX: Final = "PRIVATE+KEY+"
MAX_SIGNATURES: Final = 100

_ED25519: Final = b"\x01"
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_SIGNATURE_LINE: Final = re.compile(r"— (\S+) (\S+)")


class NoteError(ValueError):
    """No key, no note, or a signature that is not what it should be. The message says what, and holds no secret."""


def encode64(value: bytes) -> str:
    """Base64, the standard alphabet."""
    return base64.b64encode(value).decode()


def decode64(text: str) -> bytes:
    """The bytes of the one spelling that `encode64` gives them. Raises NoteError."""
    try:
        value = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        value = b""
    if encode64(value) != text:
        raise NoteError("what should be base64 is not")
    return value


@dataclass(slots=True, frozen=True)
class PublicKey:
    """Who signs, and what their signatures are checked with. Pin its text."""

    name: str
    raw: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that find the key. Nothing rests on them: a pinned key is compared whole."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:4]

    @property
    def label(self) -> str:
        """Name and key id, for people."""
        return f"{self.name}+{self.key_id.hex()}"

    @property
    def text(self) -> str:
        """The whole key in one line."""
        return f"{self.label}+{encode64(_ED25519 + self.raw)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises NoteError."""
        name, key_id, data = _parts(text.strip(), "public")
        key = cls(name, data)
        if key.key_id.hex() != key_id:
            raise NoteError(f"the id of the public key of {name!r} is not that of its bytes")
        return key

    def verifies(self, signature: bytes, text: bytes) -> bool:
        """Whether this key signed these bytes."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


class SigningKey:
    """A private key. It is never printed: neither its text form nor its seed is in `repr`."""

    __slots__ = ("_key", "public")

    def __init__(self, name: str, seed: bytes) -> None:
        if not KEY_NAME.fullmatch(name):
            raise NoteError("a key's name has letters, digits and . _ : / - inside, at most 100 of them")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public: Final = PublicKey(name, self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str) -> Self:
        """A new key, from the operating system's random numbers. Raises NoteError for a name that is none."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises NoteError, which says nothing of what it read."""
        text = text.strip()
        if not text.startswith(PRIVATE_PREFIX):
            raise NoteError("this is no private key")
        name, key_id, seed = _parts(text.removeprefix(PRIVATE_PREFIX), "private")
        key = cls(name, seed)
        if key.public.key_id.hex() != key_id:
            raise NoteError("the id of the private key is not that of its bytes")
        return key

    def secret_text(self) -> str:
        """The whole private key in one line: for the file it is kept in, and nothing else."""
        return f"{PRIVATE_PREFIX}{self.public.label}+{encode64(_ED25519 + self._key.private_bytes_raw())}"

    def sign(self, text: bytes) -> bytes:
        """The signature of these bytes, 64 of them."""
        return self._key.sign(text)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.label})"


def _parts(text: str, kind: str) -> tuple[str, str, bytes]:
    """Name, key id in hex and the 32 bytes of a key's text."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not KEY_NAME.fullmatch(parts[0]):
        raise NoteError(f"this is no {kind} key")
    try:
        data = decode64(parts[2])
    except NoteError:
        data = b""
    if data[:1] != _ED25519 or len(data) != 1 + _KEY_BYTES:
        raise NoteError(f"this is no {kind} key of Ed25519")
    return parts[0], parts[1], data[1:]


def write_note(text: str, key: PublicKey, signature: bytes) -> str:
    """The note of a text and the signature that `key` gave it. `text` ends with a line feed."""
    return f"{text}\n— {key.name} {encode64(key.key_id + signature)}\n"


def sign_note(text: str, key: SigningKey) -> str:
    """The text with our signature under it."""
    return write_note(text, key.public, key.sign(text.encode()))


def read_note(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Text and signatures (name, key id, signature) of a note, none of them checked yet. Raises NoteError."""
    text, empty_line, under = note.rpartition("\n\n")
    lines = under.split("\n")
    if not empty_line or not text or len(lines) < 2 or lines.pop() or len(lines) > MAX_SIGNATURES:
        raise NoteError("this is no signed note")
    signatures = []
    for line in lines:
        match = _SIGNATURE_LINE.fullmatch(line)
        if match is None:
            raise NoteError("this is no signed note: a line under the text is no signature")
        data = decode64(match[2])
        signatures.append((match[1], data[:4], data[4:]))
    return text + "\n", signatures


def open_note(note: str, keys: Sequence[PublicKey]) -> tuple[str, PublicKey]:
    """The text of a note and the first of `keys` that signed it.

    Signatures of others, as witnesses add them, are passed over. Raises NoteError when none of the keys signed it,
    or a signature that claims to be by one of them is not.
    """
    text, signatures = read_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    signed_by = None
    for name, key_id, signature in signatures:
        key = known.get((name, key_id))
        if key is None:
            continue
        if len(signature) != _SIGNATURE_BYTES or not key.verifies(signature, text.encode()):
            raise NoteError(f"the signature of {key.label} is wrong")
        signed_by = signed_by or key
    if signed_by is None:
        named = ", ".join(f"{name}+{key_id.hex()}" for name, key_id, _ in signatures)
        wanted = " or ".join(key.label for key in keys)
        raise NoteError(f"signed by {named}, not by {wanted}")
    return text, signed_by
