"""Signing on a real log: what is signed is what stands there, once, and never a second history of one book."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import psycopg
import pytest

from ledger_core.store.blocks import merkle_root
from ledger_core.store.connection import Role, connect
from ledger_core.store.proof.block_tree import block_leaf
from ledger_core.store.proof.checkpoint import open_checkpoint
from ledger_core.store.proof.signing import (
    BrokenChainError,
    books_to_sign,
    last_signed_checkpoint,
    sign_book,
    signed_checkpoints,
)
from tests.invariants.programs import assert_invariants
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import BOOK, PostedLedger, captured, everything
from tests.support.signing import KEY, OTHER_KEY
from tests.support.tampering import reseal, rewrite_states, tampering

pytestmark = pytest.mark.postgres


@pytest.fixture
def ledger(database: TestDatabase) -> Iterator[PostedLedger]:
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        for batch in everything():
            ledger.post(batch)
        yield ledger
    assert_invariants(database.dsn())


def poster(dsn: str) -> psycopg.Connection[Any]:
    connection = connect(dsn, Role.POSTER)
    connection.autocommit = True
    return connection


def test_what_is_signed_is_what_stands_in_the_log(ledger: PostedLedger) -> None:
    with poster(ledger.dsn) as connection:
        stored, is_new = sign_book(connection, BOOK, KEY)
        assert stored is not None
        checkpoint, key = open_checkpoint(stored.signed.note, [KEY.public])
        blocks = connection.execute(
            "SELECT number, last_position, hash FROM ledger.block WHERE book_id = 1 AND number <= %s ORDER BY number",
            (checkpoint.block_number,),
        ).fetchall()
        assert (is_new, key) == (True, KEY.public)
        assert (checkpoint.block_number, checkpoint.position, checkpoint.block_hash) == blocks[-1]
        assert checkpoint.tree_root == merkle_root([block_leaf(block_hash) for _, _, block_hash in blocks])
        assert last_signed_checkpoint(connection, BOOK) == stored


def test_the_checkpoint_is_published_as_an_event_of_its_book(ledger: PostedLedger) -> None:
    with poster(ledger.dsn) as connection:
        stored, _ = sign_book(connection, BOOK, KEY)
        assert stored is not None
        row = connection.execute(
            "SELECT type, state FROM ledger.event WHERE book_id = 1 AND position = %s", (stored.event_position,)
        ).fetchone()
    assert row is not None
    assert row[0] == "checkpoint.signed"
    assert orjson.loads(row[1])["note"] == stored.signed.note


def test_nothing_new_is_not_signed_again_and_what_is_new_goes_on_from_there(ledger: PostedLedger) -> None:
    with poster(ledger.dsn) as connection:
        first, _ = sign_book(connection, BOOK, KEY)
        assert sign_book(connection, BOOK, KEY) == (first, False)
        for number in range(5):
            ledger.post([captured(f"more-{number}", 100, {"a": 100})])
            stored, is_new = sign_book(connection, BOOK, KEY)
            assert is_new
            assert stored is not None
            leaves = connection.execute(
                "SELECT hash FROM ledger.block WHERE book_id = 1 AND number <= %s ORDER BY number",
                (stored.signed.checkpoint.block_number,),
            ).fetchall()
            assert stored.signed.checkpoint.tree_root == merkle_root([block_leaf(row[0]) for row in leaves])
        assert len(signed_checkpoints(connection, BOOK)) == 6


def test_another_key_signs_the_same_log_too(ledger: PostedLedger) -> None:
    with poster(ledger.dsn) as connection:
        sign_book(connection, BOOK, KEY)
        stored, is_new = sign_book(connection, BOOK, OTHER_KEY)
    assert is_new
    assert stored is not None
    assert open_checkpoint(stored.signed.note, [OTHER_KEY.public])


def test_every_book_with_events_can_be_signed_and_no_other(ledger: PostedLedger) -> None:
    with poster(ledger.dsn) as connection:
        assert books_to_sign(connection) == ["shop", "system"]
        with pytest.raises(LookupError, match="no such book: nowhere"):
            sign_book(connection, "nowhere", KEY)


def test_signing_a_book_without_events_gives_nothing(database: TestDatabase) -> None:
    with poster(database.dsn()) as connection:
        assert sign_book(connection, "system", KEY) == (None, False)


def test_many_signers_and_posters_at_once_sign_one_history(ledger: PostedLedger) -> None:
    def sign(_: int) -> None:
        with poster(ledger.dsn) as connection:
            for _again in range(4):
                sign_book(connection, BOOK, KEY)

    with ThreadPoolExecutor(4) as pool:
        signing = [pool.submit(sign, number) for number in range(4)]
        for number in range(12):
            ledger.post([captured(f"meanwhile-{number}", 100, {"a": 100})])
        for future in signing:
            future.result()
    with poster(ledger.dsn) as connection:
        found = signed_checkpoints(connection, BOOK)
    numbers = [one.signed.checkpoint.block_number for one in found]
    assert numbers == sorted(set(numbers))


BLOCK_BEFORE_THE_LAST_IS_GONE = """
DELETE FROM ledger.block WHERE book_id = 1
    AND number = (SELECT max(number) - 1 FROM ledger.block WHERE book_id = 1)"""


@pytest.mark.parametrize("again", [True, False])
def test_a_log_that_changed_since_it_was_signed_is_not_signed_again(again: bool, database: TestDatabase) -> None:
    with PostedLedger(database.dsn()) as ledger, poster(database.dsn()) as connection:
        ledger.create_book()
        ledger.post([captured("o-1", 100, {"a": 100})])
        sign_book(connection, BOOK, KEY)
        ledger.post([captured("o-2", 100, {"a": 100})])
        with tampering(database) as hands:
            if again:  # every hash made to fit
                rewrite_states(hands, "order_key = 'o-1'", '"amount_minor":"100"', '"amount_minor":"900"')
                reseal(hands, 1)
            else:
                hands.execute(BLOCK_BEFORE_THE_LAST_IS_GONE)
        with pytest.raises(BrokenChainError, match="book shop: block"):
            sign_book(connection, BOOK, KEY)


@pytest.mark.parametrize(
    "column",
    [
        "position = position - 1",
        "block_hash = sha256('x')",
        "recorded_at = now()",
        "event_position = event_position + 1",
    ],
)
def test_the_database_refuses_a_checkpoint_that_its_log_does_not_say(column: str, ledger: PostedLedger) -> None:
    with poster(ledger.dsn) as connection:
        sign_book(connection, BOOK, KEY)
    with psycopg.connect(ledger.dsn) as connection:
        connection.execute("CREATE TEMP TABLE copied AS SELECT * FROM ledger.signed_checkpoint")
        connection.execute(f"UPDATE copied SET public_key = sha256('y'), {column}".encode())
        if "event_position" not in column:
            connection.execute("UPDATE copied SET event_position = 1000")
        with pytest.raises(psycopg.errors.IntegrityError):
            connection.execute("INSERT INTO ledger.signed_checkpoint SELECT * FROM copied")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.signed_checkpoint SET signature = signature",
        "DELETE FROM ledger.signed_checkpoint",
        "TRUNCATE ledger.signed_checkpoint",
    ],
)
def test_signed_checkpoints_are_append_only_even_for_a_superuser(statement: str, ledger: PostedLedger) -> None:
    with poster(ledger.dsn) as connection:
        sign_book(connection, BOOK, KEY)
    with psycopg.connect(ledger.dsn) as connection, pytest.raises(psycopg.errors.IntegrityError, match="APPEND_ONLY"):
        connection.execute(statement.encode())
