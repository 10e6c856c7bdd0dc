"""Hands on a signed ledger, and the exact first row that verification names; whole and from the last checkpoint on."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from ledger_core.store.proof.checkpoint import open_checkpoint
from ledger_core.store.proof.signing import StoredCheckpoint
from ledger_core.store.verify import Since, Trust, VerifyReport, run, verify, verify_checkpoints
from tests.support.databases import TestDatabase, copy_database, create_database, drop_database
from tests.support.posted_ledger import PostedLedger, captured
from tests.support.signing import KEY, OTHER_KEY, signed
from tests.support.tampering import reseal, rewrite_states, tampering

pytestmark = pytest.mark.postgres

# Book shop: block 1 is its creation, 2 and 3 are accounts and the captures o-1 to o-3; signed there, in block 4.
# Then 5 is an account, 6 the captures o-4 to o-6, 7 the capture o-7; signed again, in block 8; and 9 is o-8.
PINNED = Trust([KEY.public])
Plant = Callable[[psycopg.Connection[Any]], object]


@pytest.fixture(scope="module")
def whole(postgres_server: str) -> Iterator[tuple[TestDatabase, list[StoredCheckpoint]]]:
    database = create_database(postgres_server)
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        ledger.post([captured(f"o-{number}", 100 * number, {"a": 100 * number}) for number in (1, 2, 3)])
        first = signed(database.dsn())
        ledger.post([captured(f"o-{number}", 100 * number, {"b": 100 * number}) for number in (4, 5, 6)])
        ledger.post([captured("o-7", 700, {"a": 700})])
        second = signed(database.dsn())
        ledger.post([captured("o-8", 800, {"a": 800})])
    yield database, [first, second]
    drop_database(database)


@pytest.fixture
def database(whole: tuple[TestDatabase, list[StoredCheckpoint]]) -> Iterator[TestDatabase]:
    copy = copy_database(whole[0])
    yield copy
    drop_database(copy)


@pytest.fixture
def kept(whole: tuple[TestDatabase, list[StoredCheckpoint]]) -> Trust:
    """The pinned key, and the second checkpoint as someone outside has kept it."""
    return Trust([KEY.public], [open_checkpoint(whole[1][1].signed.note, [KEY.public])[0]])


def found(report: VerifyReport) -> dict[str, str]:
    return {check.name: check.first_bad for check in report.checks if not check.ok}


def position_of(connection: psycopg.Connection[Any], order: str) -> int:
    row = connection.execute(
        "SELECT position FROM ledger.event WHERE book_id = 1 AND order_key = %s AND type = 'voucher.posted'", (order,)
    ).fetchone()
    assert row is not None
    return int(row[0])


def event_of(connection: psycopg.Connection[Any], order: str) -> str:
    """As verification names the event of an order whose block's root is wrong."""
    position = position_of(connection, order)
    return block_of(connection, order).replace("book shop: ", f"book shop: event at position {position}, ")


def block_of(connection: psycopg.Connection[Any], order: str) -> str:
    row = connection.execute(
        """SELECT number, first_position, last_position FROM ledger.block
           WHERE book_id = 1 AND %s BETWEEN first_position AND last_position""",
        (position_of(connection, order),),
    ).fetchone()
    assert row is not None
    return "book shop: block {}, positions {} to {}".format(*row)


def flip_a_byte(connection: psycopg.Connection[Any], order: str = "o-5") -> None:
    connection.execute(
        """UPDATE ledger.event SET state = set_byte(state, length(state) - 2, get_byte(state, length(state) - 2) # 1)
           WHERE book_id = 1 AND order_key = %s""",
        (order,),
    )


def swap_two_events(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        """UPDATE ledger.event SET state = other.state, order_key = other.order_key FROM ledger.event other
           WHERE event.book_id = 1 AND other.book_id = 1 AND event.order_key IN ('o-4', 'o-6')
               AND other.order_key IN ('o-4', 'o-6') AND event.order_key <> other.order_key"""
    )


def cut_blocks(connection: psycopg.Connection[Any], after: int) -> None:
    """The log as it was after a block: events, entries, inbox, heads' book row, all of it."""
    last = connection.execute(
        "SELECT last_position, hash FROM ledger.block WHERE book_id = 1 AND number = %s", (after,)
    ).fetchone()
    assert last is not None
    for table in ("event", "entry"):
        connection.execute(f"DELETE FROM ledger.{table} WHERE book_id = 1 AND position > {last[0]}".encode())
    connection.execute("DELETE FROM ledger.block WHERE book_id = 1 AND number > %s", (after,))
    connection.execute(
        """UPDATE ledger.book SET position = %s, block_number = %s, block_hash = %s,
               voucher_no = (SELECT max(voucher_no) FROM ledger.event WHERE book_id = 1)
           WHERE book_id = 1""",
        (last[0], after, last[1]),
    )


def forge(connection: psycopg.Connection[Any], order: str = "o-5", *, mark: bool = True) -> None:
    """Another amount in event and entries, and every hash made to fit."""
    amounts = (f'"amount_minor":"{int(order[2:]) * 100 + more}"' for more in (0, 1))
    rewrite_states(connection, f"order_key = '{order}'", *amounts, mark=mark)


def sign_the_forgery(connection: psycopg.Connection[Any]) -> None:
    """The rows of the checkpoints made to fit the new chain, as far as that goes without the key."""
    reseal(connection, 1)
    connection.execute(
        """UPDATE ledger.signed_checkpoint signed SET block_hash = block.hash FROM ledger.block
           WHERE block.book_id = signed.book_id AND block.number = signed.block_number"""
    )


def test_a_whole_ledger_holds_in_full_and_in_part(database: TestDatabase, kept: Trust) -> None:
    full = verify(database.dsn(), books=["shop"], trust=kept)
    part = verify(database.dsn(), books=["shop"], trust=kept, since=Since(checkpoint=True))
    assert (found(full), found(part)) == ({}, {})
    assert part.starts["shop"] > 0
    assert part.events == sum(part.positions.values()) - sum(part.starts.values()) < full.events
    # What only the sum of the whole log can tell is not said to hold.
    names = {check.name for check in part.checks}
    assert names >= {"merkle_roots", "running_balances", "heads", "signed_checkpoints", "subjects", "parts", "holds"}
    assert not names & {"source_offsets", "source_counters"}


@pytest.mark.parametrize("since", [Since(), Since(checkpoint=True), Since(position=1_000)])
def test_the_same_byte_is_found_where_it_is_looked_for(since: Since, database: TestDatabase) -> None:
    with tampering(database) as connection:
        flip_a_byte(connection, "o-8")
        flip_a_byte(connection, "o-2")
        early, late = event_of(connection, "o-2"), event_of(connection, "o-8")
    report = verify(database.dsn(), books=["shop"], since=since)
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
def test_a_flipped_byte_is_named_by_its_row_and_block(column: str, database: TestDatabase) -> None:
    order, change = FLIPPED[column]
    with tampering(database) as connection:
        where = event_of(connection, order)
        connection.execute(
            f"UPDATE ledger.event SET {change} WHERE book_id = 1 AND position = %s".encode(),
            (position_of(connection, order),),
        )
    bad = found(verify(database.dsn(), books=["shop"], trust=PINNED))
    assert bad["merkle_roots"] == where
    assert "leaf_marks" not in bad


def test_a_flipped_byte_of_a_block_sealed_before_there_were_marks_is_named_by_its_block(database: TestDatabase) -> None:
    with tampering(database) as connection:
        connection.execute("UPDATE ledger.block SET leaf_marks = NULL WHERE number < 8")
    report = verify(database.dsn(), trust=PINNED)
    assert found(report) == {}
    assert {check.name: check.checked for check in report.checks}["leaf_marks"] > 0
    with tampering(database) as connection:
        flip_a_byte(connection)
        where = block_of(connection, "o-5")
    assert found(verify(database.dsn(), trust=PINNED))["merkle_roots"] == where


def test_a_wrong_mark_under_a_right_root_is_named_as_such(database: TestDatabase) -> None:
    with tampering(database) as connection:
        where = event_of(connection, "o-5").replace("event at position", "the mark of position")
        connection.execute(
            """UPDATE ledger.block SET leaf_marks = set_byte(leaf_marks, at, get_byte(leaf_marks, at) # 1)
               FROM (SELECT number, (4 * (%(position)s - first_position) + 3)::integer AS at FROM ledger.block
                   WHERE book_id = 1 AND %(position)s BETWEEN first_position AND last_position) AS marked
               WHERE book_id = 1 AND block.number = marked.number""",
            {"position": position_of(connection, "o-5")},
        )
    assert found(verify(database.dsn(), trust=PINNED)) == {"leaf_marks": where}


@pytest.mark.parametrize("marks", ["leaf_marks || leaf_marks", "substr(leaf_marks, 2)", "''"])
def test_the_database_takes_one_mark_an_event(marks: str, database: TestDatabase) -> None:
    with tampering(database) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(f"UPDATE ledger.block SET leaf_marks = {marks} WHERE number = 6".encode())


def test_a_deleted_event_is_named_by_its_position(database: TestDatabase) -> None:
    with tampering(database) as connection:
        position, event = position_of(connection, "o-5"), event_of(connection, "o-5")
        connection.execute("DELETE FROM ledger.event WHERE book_id = 1 AND position = %s", (position,))
    bad = found(verify(database.dsn(), trust=PINNED))
    assert bad["positions"] == f"book shop: no event at position {position}"
    assert bad["merkle_roots"] == event


@pytest.mark.parametrize(
    ("table", "check", "named"),
    [
        ("entry", "entries_match_events", "book shop: voucher at position {position}"),
        ("block", "blocks", "book shop: block {next_block}"),
    ],
)
def test_a_deleted_row_is_named(table: str, check: str, named: str, database: TestDatabase) -> None:
    with tampering(database) as connection:
        position = position_of(connection, "o-7")
        row = connection.execute(
            "SELECT number FROM ledger.block WHERE book_id = 1 AND last_position >= %s ORDER BY 1 LIMIT 1", (position,)
        ).fetchone()
        assert row is not None
        where = (
            "position = %(position)s" if table == "entry" else "%(position)s BETWEEN first_position AND last_position"
        )
        connection.execute(f"DELETE FROM ledger.{table} WHERE book_id = 1 AND {where}".encode(), {"position": position})
    bad = found(verify(database.dsn(), trust=PINNED))
    assert bad[check] == named.format(position=position, next_block=row[0] + 1)


def test_two_events_that_changed_places_are_named_by_the_first(database: TestDatabase) -> None:
    with tampering(database) as connection:
        where, first = event_of(connection, "o-4"), position_of(connection, "o-4")
        swap_two_events(connection)
    bad = found(verify(database.dsn(), trust=PINNED))
    assert bad["merkle_roots"] == where
    assert bad["entries_match_events"] == f"book shop: voucher at position {first}"


def test_a_tail_cut_off_under_a_book_that_remembers_it_is_named_by_its_first_position(database: TestDatabase) -> None:
    with tampering(database) as connection:
        position = position_of(connection, "o-8")
        connection.execute("DELETE FROM ledger.event WHERE book_id = 1 AND position >= %s", (position,))
    assert found(verify(database.dsn(), trust=PINNED))["positions"] == f"book shop: no event at position {position}"


@pytest.mark.parametrize("since", [Since(), Since(checkpoint=True)])
def test_a_tail_cut_off_with_its_book_is_named_by_the_checkpoint_over_it(since: Since, database: TestDatabase) -> None:
    with tampering(database) as connection:
        cut_blocks(connection, after=6)
        cut = connection.execute(
            """SELECT signed.block_number, signed.position, book.position FROM ledger.signed_checkpoint signed
               JOIN ledger.book USING (book_id) WHERE book_id = 1 ORDER BY 1 DESC LIMIT 1"""
        ).fetchone()
    assert cut is not None
    block, position, end = cut
    assert found(verify(database.dsn(), trust=PINNED, since=since))["signed_checkpoints"] == (
        f"book shop: block {block}, up to position {position}, was signed, and the log ends at position {end}, block 6"
    )


def test_a_tail_cut_off_with_every_trace_here_is_named_by_a_checkpoint_kept_elsewhere(
    database: TestDatabase, kept: Trust
) -> None:
    with tampering(database) as connection:
        cut_blocks(connection, after=6)
        connection.execute("DELETE FROM ledger.signed_checkpoint WHERE block_number > 6")
        position = connection.execute("SELECT position FROM ledger.book WHERE book_id = 1").fetchone()
    assert position is not None
    claim = kept.kept[0]
    assert found(verify(database.dsn(), trust=kept))["signed_checkpoints"] == (
        f"book shop: block {claim.block_number}, up to position {claim.position}, was signed, "
        f"and the log ends at position {position[0]}, block 6"
    )


@pytest.mark.parametrize("since", [Since(), Since(checkpoint=True), Since(position=5)])
def test_a_chain_hashed_again_is_named_between_two_checkpoints(since: Since, database: TestDatabase) -> None:
    with tampering(database) as connection:
        forge(connection)
        first, second = connection.execute(
            "SELECT block_number, position FROM ledger.signed_checkpoint WHERE book_id = 1 ORDER BY 1"
        ).fetchall()
    bad = found(verify(database.dsn(), trust=PINNED, since=since))
    assert bad["signed_checkpoints"] == (
        f"book shop: block {second[0]}, up to position {second[1]}, is not the one that was signed; "
        f"the last that agrees is block {first[0]}, up to position {first[1]}"
    )
    assert not bad.keys() & {"merkle_roots", "block_hashes", "blocks"}


@pytest.mark.parametrize("since", [Since(), Since(checkpoint=True)])
def test_a_chain_hashed_again_is_named_by_its_first_event_where_the_marks_were_left(
    since: Since, database: TestDatabase
) -> None:
    with tampering(database) as connection:
        forge(connection, mark=False)
        position = position_of(connection, "o-5")
        where = event_of(connection, "o-5").replace("event at position", "the mark of position")
    named = f"; the first event that is not as it was sealed is at position {position}"
    bad = found(verify(database.dsn(), trust=PINNED, since=since))
    assert bad["signed_checkpoints"].endswith(named)
    assert bad.get("leaf_marks") == (where if since.is_everything else None)
    assert verify_checkpoints(database.dsn(), trust=PINNED).first_bad.endswith(named)


def test_a_chain_and_checkpoints_made_to_fit_lack_the_signature(database: TestDatabase) -> None:
    with tampering(database) as connection:
        forge(connection)
        sign_the_forgery(connection)
    bad = found(verify(database.dsn()))
    assert bad["signed_checkpoints"].endswith("the checkpoint's signature is wrong")
    assert not bad.keys() & {"merkle_roots", "block_hashes", "blocks"}


def test_a_chain_signed_again_by_another_key_is_found_by_the_pinned_one(database: TestDatabase, kept: Trust) -> None:
    with tampering(database) as connection:
        forge(connection)
        connection.execute("DELETE FROM ledger.signed_checkpoint")
        connection.execute("UPDATE ledger.event SET type = 'checkpoint.was' WHERE type = 'checkpoint.signed'")
        reseal(connection, 1)
    forged = signed(database.dsn(), key=OTHER_KEY).signed.checkpoint
    assert "signed_checkpoints" not in found(verify(database.dsn()))
    bad = found(verify(database.dsn(), trust=PINNED))["signed_checkpoints"]
    label = OTHER_KEY.public.label
    assert bad == f"book shop: block {forged.block_number}, the checkpoint is signed by another key, {label}"
    both = Trust([KEY.public, OTHER_KEY.public], kept.kept)
    claim = kept.kept[0]
    assert found(verify(database.dsn(), trust=both))["signed_checkpoints"] == (
        f"book shop: block {claim.block_number}, up to position {claim.position}, is not the one that was signed; "
        "none before it agrees"
    )


CHECKPOINTS: dict[str, tuple[str, str]] = {
    "another tree": ("UPDATE ledger.signed_checkpoint SET tree_root = block_hash", "signature is wrong"),
    "another time": (
        "UPDATE ledger.signed_checkpoint SET recorded_at = recorded_at + interval '1 s'",
        "signature is wrong",
    ),
    "a frontier of another tree": (
        "UPDATE ledger.signed_checkpoint SET frontier = sha256('x') || substr(frontier, 33)",
        "the checkpoint's frontier is not that of its tree",
    ),
    "no row": (
        "DELETE FROM ledger.signed_checkpoint WHERE block_number = 3",
        "is not kept",
    ),
    "another event": (
        "UPDATE ledger.signed_checkpoint SET event_position = event_position + 1",
        "is not the checkpoint",
    ),
    "an epoch to come": ("UPDATE ledger.book SET log_epoch = 0", "was signed in epoch 1, the log is in 0"),
}
"""A change of what is kept of checkpoints, and what is said of it."""


@pytest.mark.parametrize("change", CHECKPOINTS)
def test_a_row_of_a_checkpoint_that_was_changed_is_found_by_its_check_alone(
    change: str, database: TestDatabase
) -> None:
    statement, reason = CHECKPOINTS[change]
    with tampering(database) as connection:
        connection.execute(statement.encode())
    bad = found(verify(database.dsn()))
    assert bad.keys() == {"signed_checkpoints"}
    assert reason in bad["signed_checkpoints"]


def test_a_checkpoint_of_a_book_that_is_gone_is_found(database: TestDatabase, kept: Trust) -> None:
    with tampering(database) as connection:
        connection.execute("UPDATE ledger.book SET code = 'shop-2' WHERE book_id = 1")
    assert "no such book is verified" in found(verify(database.dsn(), trust=kept))["signed_checkpoints"]


@pytest.mark.parametrize(
    ("statement", "check", "named"),
    [
        (
            "UPDATE ledger.entry SET running_minor = running_minor + 1 WHERE position = %(last)s",
            "running_balances",
            "book shop: account clearing:processor:BRL, entry 8",
        ),
        (
            "UPDATE ledger.entry SET posting_sequence = posting_sequence + 5 WHERE position = %(last)s",
            "posting_sequences",
            "book shop: account clearing:processor:BRL, entry 13",
        ),
        (
            "UPDATE ledger.account_head SET credits_posted = credits_posted + 1 WHERE account_id = 1",
            "heads",
            "book shop: account clearing:processor:BRL",
        ),
        (
            "UPDATE ledger.event SET voucher_no = 10 WHERE position = %(last)s AND book_id = 1",
            "voucher_numbers",
            "book shop: voucher 10 follows 7",
        ),
        (
            "DELETE FROM ledger.inbox WHERE event_id = 'captured-o-8'",
            "events_to_inbox",
            "book shop: outcome at position {last} has no inbox row",
        ),
    ],
)
def test_what_is_new_is_verified_against_what_stood_before(
    statement: str, check: str, named: str, database: TestDatabase
) -> None:
    with tampering(database) as connection:
        last = position_of(connection, "o-8")
        connection.execute(statement.encode(), {"last": last})
    bad = found(verify(database.dsn(), since=Since(checkpoint=True)))
    assert bad[check] == named.format(last=last)


def test_processes_change_nothing_in_part(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "EVENTS_WORTH_A_PROCESS", 1)
    for since in (Since(checkpoint=True), Since(position=3)):
        alone = verify(database.dsn(), processes=1, since=since, books=["shop"])
        shared = verify(database.dsn(), processes=3, since=since, books=["shop"])
        assert alone.checks == shared.checks
        assert found(alone) == {}


def test_a_checkpoint_that_does_not_count_is_nothing_to_begin_from(database: TestDatabase) -> None:
    report = verify(database.dsn(), trust=Trust([OTHER_KEY.public]), since=Since(checkpoint=True))
    assert report.starts["shop"] == 0
    assert "signed by another key" in found(report)["signed_checkpoints"]
