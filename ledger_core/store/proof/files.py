"""Proofs as files: one JSON object, read strictly. What is not said in exactly one way is no proof."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ledger_core.store.proof.checkpoint import Checkpoint
from ledger_core.store.proof.inclusion import InclusionProof, ProofError, ProvenBlock, ProvenEvent, check_proof
from ledger_core.store.proof.notes import NoteError, PublicKey, decode64, encode64

FORMAT: Final = "ledger-inclusion-proof/1"
MAX_BYTES: Final = 16_000_000
_HASH: Final = re.compile("[0-9a-f]{64}")
_LAST_MICROSECOND: Final = 253_402_300_799_999_999
"""The last that has a date: the end of the year 9999."""

JsonObject = dict[str, Any]
"""Read from a stranger's file: each member is checked before it is used."""


def write_proof(proof: InclusionProof) -> str:
    """The file's text."""
    event, block = proof.event, proof.block
    content: JsonObject = {"type": event.type, "order_key": event.order_key, "state": encode64(event.state)}
    if event.originator_id is not None:
        content |= {"originator_id": str(event.originator_id), "originator_version": event.originator_version}
    document = {
        "format": FORMAT,
        "book": proof.book,
        "book_id": proof.book_id,
        "position": proof.position,
        "event": content,
        "leaf_hash": proof.leaf_hash.hex(),
        "block_path": [one.hex() for one in proof.block_path],
        "block": {
            "number": block.number,
            "first_position": block.first_position,
            "last_position": block.last_position,
            "recorded_at_us": block.recorded_at_us,
            "merkle_root": block.merkle_root.hex(),
            "previous_hash": block.previous_hash.hex(),
            "hash": block.hash.hex(),
        },
        "tree_path": [one.hex() for one in proof.tree_path],
        "checkpoint": proof.checkpoint,
        "public_key": proof.public_key.text,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def check_file(path: Path, pinned: Sequence[PublicKey] = ()) -> tuple[InclusionProof, Checkpoint]:
    """The proof in a file, and the checkpoint under which it holds. Raises ProofError with the first thing wrong, and
    OSError for a file that can't be read."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    proof = read_proof(content)
    return proof, check_proof(proof, pinned)


def read_proof(content: bytes) -> InclusionProof:
    """The proof that these bytes say, nothing of it checked but its form. Raises ProofError."""
    document = _members(_document(content), "the file", {
        "format", "book", "book_id", "position", "event", "leaf_hash", "block_path", "block", "tree_path", "checkpoint",
        "public_key",
    })  # fmt: skip
    if document["format"] != FORMAT:
        raise ProofError(f"file: its format is not {FORMAT}")
    try:
        public_key = PublicKey.parse(_text(document, "public_key"))
    except NoteError as error:
        raise ProofError(f"file: {error}") from None
    if public_key.text != document["public_key"]:
        raise ProofError("file: public_key is not written the one way that it can be")
    return InclusionProof(
        book=_text(document, "book"),
        book_id=_number(document, "book_id", lowest=0),
        position=_number(document, "position"),
        event=_event(document["event"]),
        leaf_hash=_hash(document["leaf_hash"], "leaf_hash"),
        block=_block(document["block"]),
        block_path=_path(document, "block_path"),
        tree_path=_path(document, "tree_path"),
        checkpoint=_text(document, "checkpoint"),
        public_key=public_key,
    )


def _document(content: bytes) -> object:
    if len(content) > MAX_BYTES:
        raise ProofError(f"file: it is longer than {MAX_BYTES} bytes")
    try:
        document: object = json.loads(content.decode(), object_pairs_hook=_refuse_repeated)
    except (ValueError, RecursionError):
        raise ProofError("file: it is no JSON, or cut") from None
    return document


def _refuse_repeated(pairs: list[tuple[str, object]]) -> JsonObject:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ProofError("file: a member stands in it twice")
    return dict(pairs)


def _members(value: object, what: str, names: set[str]) -> JsonObject:
    if not isinstance(value, dict):
        raise ProofError(f"file: {what} is no object")
    if absent := sorted(names - value.keys()):
        raise ProofError(f"file: {what} lacks {absent[0]}")
    if unknown := sorted(value.keys() - names):
        raise ProofError(f"file: {what} has a member that proofs do not have: {unknown[0]}")
    return value


def _event(value: object) -> ProvenEvent:
    names = {"type", "order_key", "state"}
    aggregate = isinstance(value, dict) and "originator_id" in value
    event = _members(value, "event", names | {"originator_id", "originator_version"} if aggregate else names)
    try:
        state = decode64(_text(event, "state"))
    except NoteError:
        raise ProofError("file: state is no base64") from None
    originator_id, version = None, None
    if aggregate:
        originator_id = _uuid(_text(event, "originator_id"))
        version = _number(event, "originator_version", lowest=0, highest=2**31 - 1)
    return ProvenEvent(_text(event, "type"), _text(event, "order_key"), originator_id, version, state)


def _block(value: object) -> ProvenBlock:
    hashes = {"merkle_root", "previous_hash", "hash"}
    block = _members(value, "block", {"number", "first_position", "last_position", "recorded_at_us", *hashes})
    return ProvenBlock(
        number=_number(block, "number"),
        first_position=_number(block, "first_position"),
        last_position=_number(block, "last_position"),
        recorded_at_us=_number(block, "recorded_at_us", highest=_LAST_MICROSECOND),
        merkle_root=_hash(block["merkle_root"], "merkle_root"),
        previous_hash=_hash(block["previous_hash"], "previous_hash"),
        hash=_hash(block["hash"], "hash"),
    )


def _text(members: JsonObject, name: str) -> str:
    """No NUL, which parts the fields of a leaf, and nothing that UTF-8 can't write."""
    value = members[name]
    if not isinstance(value, str) or "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ProofError(f"file: {name} is no text")
    return value


def _number(members: JsonObject, name: str, *, lowest: int = 1, highest: int = 2**63 - 1) -> int:
    value = members[name]
    if type(value) is not int or not lowest <= value <= highest:
        raise ProofError(f"file: {name} is no such number")
    return value


def _hash(value: object, name: str) -> bytes:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise ProofError(f"file: {name} is no hash")
    return bytes.fromhex(value)


def _path(members: JsonObject, name: str) -> tuple[bytes, ...]:
    value = members[name]
    if not isinstance(value, list):
        raise ProofError(f"file: {name} is no list of hashes")
    return tuple(_hash(one, name) for one in value)


def _uuid(text: str) -> UUID:
    try:
        value = UUID(text)
    except ValueError:
        value = None
    if value is None or str(value) != text:
        raise ProofError("file: originator_id is no UUID")
    return value
