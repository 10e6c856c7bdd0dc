"""Hands on the log of a signed ledger, and the exact first row that verification names."""

import psycopg
import pytest

from ledger_core.store.verify import Since, Trust, verify
from tests.support.databases import TestDatabase
from tests.support.signed_ledger import (
    PINNED,
    block_of,
    cut_blocks,
    event_of,
    flip_a_byte,
    found,
    position_of,
    swap_two_events,
)
from tests.support.tampering import tampering

pytestmark = pytest.mark.postgres


def test_a_whole_ledger_holds_in_full_and_in_part(shop: TestDatabase, kept: Trust) -> None:
    full = verify(shop.dsn(), books=["shop"], trust=kept)
    part = verify(shop.dsn(), books=["shop"], trust=kept, since=Since(checkpoint=True))
    assert (found(full), found(part)) == ({}, {})
    assert part.starts["shop"] > 0
    assert part.events == sum(part.positions.values()) - sum(part.starts.values()) < full.events
    # What only the sum of the whole log can tell is not said to hold.
    names = {check.name for check in part.checks}
    assert names >= {"merkle_roots", "running_balances", "heads", "signed_checkpoints", "subjects", "parts", "holds"}
    assert not names & {"source_offsets", "source_counters"}


@pytest.mark.parametrize("since", [Since(), Since(checkpoint=True), Since(position=1_000)])
def test_the_same_byte_is_found_where_it_is_looked_for(since: Since, shop: TestDatabase) -> None:
    with tampering(shop) as connection:
        flip_a_byte(connection, "o-8")
        flip_a_byte(connection, "o-2")
        early, late = event_of(connection, "o-2"), event_of(connection, "o-8")
    report = verify(shop.dsn(), books=["shop"], since=since)
    if since.is_everything:
        assert found(report)["merkle_roots"] == early
    elif since.checkpoint:
        assert found(report)["merkle_roots"] == late
    else:
        assert report.events == 0


FLIPPED = {
    "state": ("o-5", "state = set_byte(state, length(state) - 2, get_byte(state, length(state) - 2) # 1)"),
    "type": ("o-6", "type = 'fact.recorded'"),
    "order key": ("o-4", "order_key = 'o-9'"),
    "originator": ("o-7", "originator_id = gen_random_uuid(), originator_version = 1"),
}
"""A change of each column of an event that its leaf is of."""


@pytest.mark.parametrize("column", FLIPPED)
def test_a_flipped_byte_is_named_by_its_row_and_block(column: str, shop: TestDatabase) -> None:
    order, change = FLIPPED[column]
    with tampering(shop) as connection:
        where = event_of(connection, order)
        connection.execute(
            f"UPDATE ledger.event SET {change} WHERE book_id = 1 AND position = %s".encode(),
            (position_of(connection, order),),
        )
    bad = found(verify(shop.dsn(), books=["shop"], trust=PINNED))
    assert bad["merkle_roots"] == where
    assert "leaf_marks" not in bad


def test_a_flipped_byte_of_a_block_sealed_before_there_were_marks_is_named_by_its_block(shop: TestDatabase) -> None:
    with tampering(shop) as connection:
        connection.execute("UPDATE ledger.block SET leaf_marks = NULL WHERE number < 8")
    report = verify(shop.dsn(), trust=PINNED)
    assert found(report) == {}
    assert {check.name: check.checked for check in report.checks}["leaf_marks"] > 0
    with tampering(shop) as connection:
        flip_a_byte(connection)
        where = block_of(connection, "o-5")
    assert found(verify(shop.dsn(), trust=PINNED))["merkle_roots"] == where


def test_a_wrong_mark_under_a_right_root_is_named_as_such(shop: TestDatabase) -> None:
    with tampering(shop) as connection:
        where = event_of(connection, "o-5").replace("event at position", "the mark of position")
        connection.execute(
            """UPDATE ledger.block SET leaf_marks = set_byte(leaf_marks, at, get_byte(leaf_marks, at) # 1)
               FROM (SELECT number, (4 * (%(position)s - first_position) + 3)::integer AS at FROM ledger.block
                   WHERE book_id = 1 AND %(position)s BETWEEN first_position AND last_position) AS marked
               WHERE book_id = 1 AND block.number = marked.number""",
            {"position": position_of(connection, "o-5")},
        )
    assert found(verify(shop.dsn(), trust=PINNED)) == {"leaf_marks": where}


@pytest.mark.parametrize("marks", ["leaf_marks || leaf_marks", "substr(leaf_marks, 2)", "''"])
def test_the_database_takes_one_mark_an_event(marks: str, shop: TestDatabase) -> None:
    with tampering(shop) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(f"UPDATE ledger.block SET leaf_marks = {marks} WHERE number = 6".encode())


def test_a_deleted_event_is_named_by_its_position(shop: TestDatabase) -> None:
    with tampering(shop) as connection:
        position, event = position_of(connection, "o-5"), event_of(connection, "o-5")
        connection.execute("DELETE FROM ledger.event WHERE book_id = 1 AND position = %s", (position,))
    bad = found(verify(shop.dsn(), trust=PINNED))
    assert bad["positions"] == f"book shop: no event at position {position}"
    assert bad["merkle_roots"] == event


@pytest.mark.parametrize(
    ("table", "check", "named"),
    [
        ("entry", "entries_match_events", "book shop: voucher at position {position}"),
        ("block", "blocks", "book shop: block {next_block}"),
    ],
)
def test_a_deleted_row_is_named(table: str, check: str, named: str, shop: TestDatabase) -> None:
    with tampering(shop) as connection:
        position = position_of(connection, "o-7")
        row = connection.execute(
            "SELECT number FROM ledger.block WHERE book_id = 1 AND last_position >= %s ORDER BY 1 LIMIT 1", (position,)
        ).fetchone()
        assert row is not None
        where = (
            "position = %(position)s" if table == "entry" else "%(position)s BETWEEN first_position AND last_position"
        )
        connection.execute(f"DELETE FROM ledger.{table} WHERE book_id = 1 AND {where}".encode(), {"position": position})
    bad = found(verify(shop.dsn(), trust=PINNED))
    assert bad[check] == named.format(position=position, next_block=row[0] + 1)


def test_two_events_that_changed_places_are_named_by_the_first(shop: TestDatabase) -> None:
    with tampering(shop) as connection:
        where, first = event_of(connection, "o-4"), position_of(connection, "o-4")
        swap_two_events(connection)
    bad = found(verify(shop.dsn(), trust=PINNED))
    assert bad["merkle_roots"] == where
    assert bad["entries_match_events"] == f"book shop: voucher at position {first}"


def test_a_tail_cut_off_under_a_book_that_remembers_it_is_named_by_its_first_position(shop: TestDatabase) -> None:
    with tampering(shop) as connection:
        position = position_of(connection, "o-8")
        connection.execute("DELETE FROM ledger.event WHERE book_id = 1 AND position >= %s", (position,))
    assert found(verify(shop.dsn(), trust=PINNED))["positions"] == f"book shop: no event at position {position}"


@pytest.mark.parametrize("since", [Since(), Since(checkpoint=True)])
def test_a_tail_cut_off_with_its_book_is_named_by_the_checkpoint_over_it(since: Since, shop: TestDatabase) -> None:
    with tampering(shop) as connection:
        cut_blocks(connection, after=6)
        cut = connection.execute(
            """SELECT signed.block_number, signed.position, book.position FROM ledger.signed_checkpoint signed
               JOIN ledger.book USING (book_id) WHERE book_id = 1 ORDER BY 1 DESC LIMIT 1"""
        ).fetchone()
    assert cut is not None
    block, position, end = cut
    assert found(verify(shop.dsn(), trust=PINNED, since=since))["signed_checkpoints"] == (
        f"book shop: block {block}, up to position {position}, was signed, and the log ends at position {end}, block 6"
    )


def test_a_tail_cut_off_with_every_trace_here_is_named_by_a_checkpoint_kept_elsewhere(
    shop: TestDatabase, kept: Trust
) -> None:
    with tampering(shop) as connection:
        cut_blocks(connection, after=6)
        connection.execute("DELETE FROM ledger.signed_checkpoint WHERE block_number > 6")
        position = connection.execute("SELECT position FROM ledger.book WHERE book_id = 1").fetchone()
    assert position is not None
    claim = kept.kept[0]
    assert found(verify(shop.dsn(), trust=kept))["signed_checkpoints"] == (
        f"book shop: block {claim.block_number}, up to position {claim.position}, was signed, "
        f"and the log ends at position {position[0]}, block 6"
    )
