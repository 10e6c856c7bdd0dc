"""Cursors of pages: opaque, signed, and good for nothing but the next page of the very question they came from."""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAC_BYTES: Final = 16
KEY_BYTES: Final = 32
VERSION: Final = 1


class CursorError(ValueError):
    """Not a cursor of ours, or not one of this question."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: after this key, and for what is read at a fixed position, at that position."""

    after: tuple[str, ...]
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Cursors:
    """Signs and reads cursors. `question` is what the page belongs to: path and filter, without limit and cursor."""

    key: bytes

    def issue(self, cursor: Cursor, question: Mapping[str, str]) -> str:
        """The cursor as text that can stand in a URL."""
        payload = json.dumps([VERSION, cursor.after, cursor.position], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(payload, question) + payload).decode().rstrip("=")

    def read(self, text: str, question: Mapping[str, str]) -> Cursor:
        """The cursor of this text. Raises CursorError."""
        try:
            signed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error) as error:
            message = "this is no cursor"
            raise CursorError(message) from error
        mac, payload = signed[:MAC_BYTES], signed[MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload, question)):
            message = "this cursor belongs to another question"
            raise CursorError(message)
        version, after, position = json.loads(payload)
        if version != VERSION:
            message = "this cursor is too old"
            raise CursorError(message)
        return Cursor(tuple(after), position)

    def _mac(self, payload: bytes, question: Mapping[str, str]) -> bytes:
        bound = json.dumps(sorted(question.items()), separators=(",", ":")).encode()
        message = len(bound).to_bytes(4, "big") + bound + payload
        return hmac.new(self.key, message, hashlib.sha256).digest()[:MAC_BYTES]


def kept_key(path: Path) -> bytes:
    """The key in this file; a random one is put there first when there is none, so that cursors outlive a restart."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        key = path.read_bytes()
    else:
        key = secrets.token_bytes(KEY_BYTES)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
    if len(key) != KEY_BYTES:
        message = f"{path.name} is no cursor key: delete it, and a new one is made"
        raise ValueError(message)
    return key
