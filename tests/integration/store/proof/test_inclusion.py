"""Inclusion proofs over a real log: every event has one, and no change of any member of the file passes."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger_core.store.connection import Role, connect
from ledger_core.store.proof.__main__ import main as check_alone
from ledger_core.store.proof.creating import (
    CheckpointMissingError,
    NotInLogError,
    create_proof,
    position_of_upstream_event,
    position_of_voucher,
)
from ledger_core.store.proof.files import check_file, read_proof, write_proof
from ledger_core.store.proof.inclusion import ProofError, check_proof
from tests.support.databases import TestDatabase, create_database, drop_database
from tests.support.posted_ledger import BOOK, SOURCE, PostedLedger, captured, everything
from tests.support.signing import KEY, OTHER_KEY, signed
from tests.support.tampering import tampering

pytestmark = pytest.mark.postgres
Document = dict[str, Any]


@pytest.fixture(scope="module")
def ledger(postgres_server: str) -> Iterator[TestDatabase]:
    """Blocks of one event and of many, checkpoints in between and a checkpoint over all of it."""
    database = create_database(postgres_server)
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        for batch in everything():
            ledger.post(batch)
            signed(database.dsn())
        ledger.post([captured(f"more-{number}", 100, {"a": 100}) for number in range(20)])
        ledger.post([captured("last", 100, {"a": 100})])
    signed(database.dsn())
    yield database
    drop_database(database)


@pytest.fixture
def connection(ledger: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with connect(ledger.dsn(), Role.RECONCILER) as connection:
        yield connection


@pytest.fixture
def document(connection: psycopg.Connection[Any]) -> Document:
    proof = create_proof(connection, BOOK, position_of_voucher(connection, BOOK, 3))
    return json.loads(write_proof(proof))  # type: ignore[no-any-return]


def refused(document: object) -> str:
    """Why it does not hold, for someone who has pinned the key."""
    with pytest.raises(ProofError) as error:
        check_proof(read_proof(json.dumps(document).encode()), [KEY.public])
    return str(error.value)


def test_every_signed_event_has_a_proof_that_holds(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    rows = connection.execute("SELECT position, type, state FROM ledger.event WHERE book_id = 1 ORDER BY 1").fetchall()
    *covered, last = rows
    for position, event_type, state in covered:
        path = tmp_path / "proof.json"
        path.write_text(write_proof(create_proof(connection, BOOK, position)), "utf-8")
        proof, checkpoint = check_file(path, [OTHER_KEY.public, KEY.public])
        assert (proof.position, proof.event.type, proof.event.state) == (position, event_type, state)
        assert checkpoint.position >= position
    assert last[1] == "checkpoint.signed"
    with pytest.raises(CheckpointMissingError):
        create_proof(connection, BOOK, last[0])


def test_the_path_is_as_short_as_the_tree_is_high(connection: psycopg.Connection[Any]) -> None:
    for position in range(1, 40):
        proof = create_proof(connection, BOOK, position)
        size = check_proof(proof).block_number
        assert len(proof.tree_path) <= size.bit_length()
        assert len(proof.block_path) <= 5


def test_a_voucher_is_found_by_number_and_by_its_upstream_event(connection: psycopg.Connection[Any]) -> None:
    by_number = position_of_voucher(connection, BOOK, 2)
    assert position_of_upstream_event(connection, BOOK, SOURCE, "captured-o-2") == by_number
    # The refund that came first was parked and healed: its latest outcome counts.
    healed = position_of_upstream_event(connection, BOOK, SOURCE, "refund-o-4")
    assert create_proof(connection, BOOK, healed).event.type == "voucher.posted"


def test_what_is_not_in_the_log_is_named(connection: psycopg.Connection[Any]) -> None:
    for what, look in (
        ("book", lambda: position_of_voucher(connection, "nowhere", 1)),
        ("voucher", lambda: position_of_voucher(connection, BOOK, 0)),
        ("voucher", lambda: position_of_voucher(connection, BOOK, 999)),
        ("event", lambda: position_of_upstream_event(connection, BOOK, SOURCE, "unheard-of")),
        ("position", lambda: create_proof(connection, BOOK, 999)),
    ):
        with pytest.raises(NotInLogError) as missing:
            look()
        assert missing.value.what == what


def other_hash(text: str) -> str:
    return ("0" if text[0] != "0" else "1") + text[1:]


def set_member(*path: str | int, to: Callable[[Any], Any]) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        inner: Any = document
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = to(inner[path[-1]])

    return change


def other_state(state: str) -> str:
    return base64.b64encode(base64.b64decode(state).replace(b'"7000"', b'"7001"')).decode()


REASONS: dict[str, tuple[Callable[[Document], None], str]] = {
    "an amount in the content": (set_member("event", "state", to=other_state), "leaf: the event's content"),
    "another type": (set_member("event", "type", to=lambda _: "fact.recorded"), "leaf: the event's content"),
    "another order key": (set_member("event", "order_key", to=lambda _: "o-1"), "leaf: the event's content"),
    "another leaf": (set_member("leaf_hash", to=other_hash), "leaf: the event's content"),
    "a hash of the path": (set_member("block_path", 0, to=other_hash), "path in the block: it does not lead"),
    "a path cut short": (set_member("block_path", to=lambda path: path[:-1]), "path in the block: the path is cut"),
    "a path too long": (set_member("block_path", to=lambda path: [*path, path[0]]), "path in the block: .* too long"),
    "another position": (set_member("position", to=lambda position: position - 1), "path in the block"),
    "a position outside": (set_member("position", to=lambda position: position + 99), "position: .* is not in block"),
    "another root": (set_member("block", "merkle_root", to=other_hash), "path in the block: it does not lead"),
    "another block before": (set_member("block", "previous_hash", to=other_hash), "block: the header of block"),
    "another time": (set_member("block", "recorded_at_us", to=lambda at: at + 1), "block: the header of block"),
    "another book id": (set_member("book_id", to=lambda book_id: book_id + 1), "block: the header of block"),
    "another block hash": (set_member("block", "hash", to=other_hash), "block: the header of block"),
    "another block number": (set_member("block", "number", to=lambda number: number + 1), "chain: "),
    "a block after the signature": (
        set_member("block", "number", to=lambda number: number + 99),
        "chain: .* not among",
    ),
    "a hash of the chain": (set_member("tree_path", 0, to=other_hash), "chain: the path from block"),
    "a chain cut short": (set_member("tree_path", to=lambda path: path[1:]), "chain: the path is cut"),
    "another book": (set_member("book", to=lambda _: "other"), "book: the proof is of book other"),
    "another signature": (set_member("checkpoint", to=lambda note: note[:-9] + "AAAA" + note[-5:]), "signature: "),
    "another signed text": (
        set_member("checkpoint", to=lambda note: note.replace("epoch 1", "epoch 2")),
        "signature: ",
    ),
    "another key": (set_member("public_key", to=lambda _: OTHER_KEY.public.text), "other key: "),
    "another format": (set_member("format", to=lambda _: "ledger-inclusion-proof/2"), "file: its format"),
}
"""A change of the file, and what the check says of it."""


@pytest.mark.parametrize("change", REASONS)
def test_the_check_names_what_does_not_hold(change: str, document: Document) -> None:
    REASONS[change][0](document)
    reason = refused(document)
    assert re.match(REASONS[change][1], reason), reason


def leaves_of(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves_of(inner, (*path, name))
    else:
        yield path


OTHERS: tuple[object, ...] = (0, 1, -1, 2**63, 1.5, True, None, "", "a", "\x00", "\ud800", [], {}, "0" * 64)


def test_no_member_of_the_file_can_be_changed_or_left_out_unnoticed(document: Document) -> None:
    text = json.dumps(document)
    for *path, name in leaves_of(document):
        for other in OTHERS:
            changed = json.loads(text)
            inside(changed, path)[name] = other
            if changed != document:
                refused(changed)
        changed = json.loads(text)
        del inside(changed, path)[name]
        refused(changed)
    for added in ({**document, "note": "x"}, {**document, "block": {**document["block"], "x": 1}}):
        refused(added)


def inside(value: Any, path: Sequence[str | int]) -> Any:
    for name in path:
        value = value[name]
    return value


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b"[" * 100_000, b"\xff", b'{"book":1,"book":2}', b"7"])
def test_what_is_no_proof_is_refused(content: bytes) -> None:
    with pytest.raises(ProofError, match=r"^file: "):
        read_proof(content)


def test_a_file_cut_anywhere_is_refused(document: Document) -> None:
    content = json.dumps(document).encode()
    for at in range(0, len(content), 7):
        with pytest.raises(ProofError, match=r"^file: "):
            read_proof(content[:at])


def test_a_log_that_was_changed_gives_no_proof(ledger: TestDatabase, connection: psycopg.Connection[Any]) -> None:
    position = position_of_voucher(connection, BOOK, 1)
    connection.rollback()
    change = "UPDATE ledger.event SET state = state || ' '::bytea WHERE book_id = 1 AND position = %s"
    with tampering(ledger) as hands:
        hands.execute(change, (position,))
        with connect(ledger.dsn(), Role.RECONCILER) as elsewhere:
            create_proof(elsewhere, BOOK, position)  # not committed yet
        hands.commit()
        with pytest.raises(ProofError, match="path in the block"):
            create_proof(connection, BOOK, position)
        hands.execute(
            "UPDATE ledger.event SET state = substr(state, 1, length(state) - 1) WHERE book_id = 1 AND position = %s",
            (position,),
        )


def test_the_checker_stands_alone(document: Document, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, keys = tmp_path / "proof.json", tmp_path / "pinned"
    file.write_text(json.dumps(document))
    keys.write_text(KEY.public.text)
    assert check_alone([str(file), "--key", str(keys)]) == 0
    assert "proven: book shop" in capsys.readouterr().out
    assert check_alone([str(file)]) == 0
    assert "NOT PINNED" in capsys.readouterr().out
    keys.write_text(OTHER_KEY.public.text)
    assert check_alone([str(file), "--key", str(keys)]) == 3
    assert "other key" in capsys.readouterr().err
    assert check_alone([str(file), "--key", str(tmp_path / "absent")]) == 1
    assert check_alone([str(tmp_path / "absent")]) == 1
    file.write_text("{}")
    assert check_alone([str(file)]) == 3
