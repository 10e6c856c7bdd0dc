"""Hands on a chain and its checkpoints, and what verification from the last checkpoint on still finds."""

import pytest

from ledger_core.store.verify import Since, Trust, run, verify, verify_checkpoints
from tests.support.databases import TestDatabase
from tests.support.signed_ledger import PINNED, event_of, forge, found, position_of, sign_the_forgery
from tests.support.signing import KEY, OTHER_KEY, signed
from tests.support.tampering import reseal, tampering

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("since", [Since(), Since(checkpoint=True), Since(position=5)])
def test_a_chain_hashed_again_is_named_between_two_checkpoints(since: Since, shop: TestDatabase) -> None:
    with tampering(shop) as connection:
        forge(connection)
        first, second = connection.execute(
            "SELECT block_number, position FROM ledger.signed_checkpoint WHERE book_id = 1 ORDER BY 1"
        ).fetchall()
    bad = found(verify(shop.dsn(), trust=PINNED, since=since))
    assert bad["signed_checkpoints"] == (
        f"book shop: block {second[0]}, up to position {second[1]}, is not the one that was signed; "
        f"the last that agrees is block {first[0]}, up to position {first[1]}"
    )
    assert not bad.keys() & {"merkle_roots", "block_hashes", "blocks"}


@pytest.mark.parametrize("since", [Since(), Since(checkpoint=True)])
def test_a_chain_hashed_again_is_named_by_its_first_event_where_the_marks_were_left(
    since: Since, shop: TestDatabase
) -> None:
    with tampering(shop) as connection:
        forge(connection, mark=False)
        position = position_of(connection, "o-5")
        where = event_of(connection, "o-5").replace("event at position", "the mark of position")
    named = f"; the first event that is not as it was sealed is at position {position}"
    bad = found(verify(shop.dsn(), trust=PINNED, since=since))
    assert bad["signed_checkpoints"].endswith(named)
    assert bad.get("leaf_marks") == (where if since.is_everything else None)
    assert verify_checkpoints(shop.dsn(), trust=PINNED).first_bad.endswith(named)


def test_a_chain_and_checkpoints_made_to_fit_lack_the_signature(shop: TestDatabase) -> None:
    with tampering(shop) as connection:
        forge(connection)
        sign_the_forgery(connection)
    bad = found(verify(shop.dsn()))
    assert bad["signed_checkpoints"].endswith("the checkpoint's signature is wrong")
    assert not bad.keys() & {"merkle_roots", "block_hashes", "blocks"}


def test_a_chain_signed_again_by_another_key_is_found_by_the_pinned_one(shop: TestDatabase, kept: Trust) -> None:
    with tampering(shop) as connection:
        forge(connection)
        connection.execute("DELETE FROM ledger.signed_checkpoint")
        connection.execute("UPDATE ledger.event SET type = 'checkpoint.was' WHERE type = 'checkpoint.signed'")
        reseal(connection, 1)
    forged = signed(shop.dsn(), key=OTHER_KEY).signed.checkpoint
    assert "signed_checkpoints" not in found(verify(shop.dsn()))
    bad = found(verify(shop.dsn(), trust=PINNED))["signed_checkpoints"]
    label = OTHER_KEY.public.label
    assert bad == f"book shop: block {forged.block_number}, the checkpoint is signed by another key, {label}"
    both = Trust([KEY.public, OTHER_KEY.public], kept.kept)
    claim = kept.kept[0]
    assert found(verify(shop.dsn(), trust=both))["signed_checkpoints"] == (
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
def test_a_row_of_a_checkpoint_that_was_changed_is_found_by_its_check_alone(change: str, shop: TestDatabase) -> None:
    statement, reason = CHECKPOINTS[change]
    with tampering(shop) as connection:
        connection.execute(statement.encode())
    bad = found(verify(shop.dsn()))
    assert bad.keys() == {"signed_checkpoints"}
    assert reason in bad["signed_checkpoints"]


def test_a_checkpoint_of_a_book_that_is_gone_is_found(shop: TestDatabase, kept: Trust) -> None:
    with tampering(shop) as connection:
        connection.execute("UPDATE ledger.book SET code = 'shop-2' WHERE book_id = 1")
    assert "no such book is verified" in found(verify(shop.dsn(), trust=kept))["signed_checkpoints"]


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
    statement: str, check: str, named: str, shop: TestDatabase
) -> None:
    with tampering(shop) as connection:
        last = position_of(connection, "o-8")
        connection.execute(statement.encode(), {"last": last})
    bad = found(verify(shop.dsn(), since=Since(checkpoint=True)))
    assert bad[check] == named.format(last=last)


def test_processes_change_nothing_in_part(shop: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "EVENTS_WORTH_A_PROCESS", 1)
    for since in (Since(checkpoint=True), Since(position=3)):
        alone = verify(shop.dsn(), processes=1, since=since, books=["shop"])
        shared = verify(shop.dsn(), processes=3, since=since, books=["shop"])
        assert alone.checks == shared.checks
        assert found(alone) == {}


def test_a_checkpoint_that_does_not_count_is_nothing_to_begin_from(shop: TestDatabase) -> None:
    report = verify(shop.dsn(), trust=Trust([OTHER_KEY.public]), since=Since(checkpoint=True))
    assert report.starts["shop"] == 0
    assert "signed by another key" in found(report)["signed_checkpoints"]
