"""Each check of `verify` finds a corruption that only it finds; what is whole passes all of them."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from ledger_core.operations.assets import add_asset
from ledger_core.operations.charts import ChartCommands
from ledger_core.store.connection import Role, connect
from ledger_core.store.verify import CHECKS, VerifyReport, alike, run, scan, verify
from tests.support.closed_years import close_two_years
from tests.support.corruptions import PLANTED, VOID_OF_PAYMENT, sql
from tests.support.databases import TestDatabase, copy_database, create_database, drop_database
from tests.support.merchants import drop_book
from tests.support.posted_ledger import (
    PostedLedger,
    across_currencies,
    authorized,
    captured,
    everything,
    holds,
    paid_out,
    refunded,
    reversed_and_compensated,
    steps,
    voided,
)
from tests.support.signing import signed
from tests.support.tampering import rewrite_states, tampering

pytestmark = pytest.mark.postgres

TEMPLATES = [{"pattern": "wallet:seller:*", "type": "liability"}, {"pattern": "wallet:buyer:*", "type": "liability"}]


@pytest.fixture(scope="module")
def filled(postgres_server: str) -> Iterator[TestDatabase]:
    """Every outcome, a seller `z` who was paid out in full, and a seller `w` whose minimum of 0 only warns."""
    database = create_database(postgres_server)
    warned = {"pattern": "wallet:seller:w", "type": "liability", "limits": {"minimum_minor": "0", "policy": "warn"}}
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        charts = ChartCommands(lambda: connect(database.dsn(), Role.POSTER), "shop")
        charts.apply({**charts.show().document, "templates": [warned, *TEMPLATES]}, reason="a test")
        for batch in everything():
            ledger.post(batch)
        ledger.post(holds(), partition=1)
        ledger.post(steps(), partition=1)
        ledger.post(across_currencies(), partition=1)
        ledger.let_expire()
        ledger.post([captured("o-9", 1_000, {"z": 1_000}), paid_out("p-9", "z", 900)], partition=1)
        ledger.post([paid_out("p-w", "w", 1), captured("o-w", 100, {"w": 100})])
        ledger.post(reversed_and_compensated(), partition=1)
        close_two_years(ledger)
    # The other book's: a hand that seals the shop's log again, to break one thing alone, breaks no signature.
    signed(database.dsn(), "system")
    drop_book(database.dsn(), "merchant-7")
    with connect(database.dsn(), Role.POSTER) as connection:
        add_asset(connection, "ETH", scale=9, name="Ether", reason="a test")
    with psycopg.connect(database.dsn()) as connection:
        connection.execute("INSERT INTO webhook.feed (book_id, endpoint, processor) VALUES (1, 'adyen', 'adyen')")
    yield database
    drop_database(database)


@pytest.fixture
def posted(filled: TestDatabase) -> Iterator[TestDatabase]:
    database = copy_database(filled)
    yield database
    drop_database(database)


@pytest.fixture(autouse=True)
def _patterns_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """This ledger is small: every state that can be read as one of many is."""
    monkeypatch.setattr(alike, "FEWEST_STATES", 1)


def failed(report: VerifyReport) -> set[str]:
    assert report.ok == all(check.ok for check in report.checks)
    return {check.name for check in report.checks if not check.ok}


def first_bad(report: VerifyReport, name: str) -> str:
    return next(check.first_bad for check in report.checks if check.name == name)


def test_a_whole_ledger_passes_every_check(posted: TestDatabase) -> None:
    report = verify(posted.dsn())
    assert [check.name for check in report.checks] == list(CHECKS)
    assert failed(report) == set()
    assert [check.name for check in report.checks if check.checked == 0] == []
    assert report.events == sum(report.positions.values())


def test_an_empty_ledger_passes(database: TestDatabase) -> None:
    assert verify(database.dsn()).ok


@pytest.mark.parametrize("check", PLANTED)
def test_one_check_alone_finds(check: str, posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        PLANTED[check](connection)
    report = verify(posted.dsn())
    assert failed(report) == {check}
    assert first_bad(report, check)


@pytest.mark.parametrize(
    "change",
    [
        "value = convert_to(replace(convert_from(value, 'UTF8'), '_minor\":\"', '_minor\":\"9'), 'UTF8')",
        "value = convert_to('no json', 'UTF8')",
        "headers = '[]'",
        """headers = (SELECT jsonb_agg(CASE pair ->> 0 WHEN 'ce_subject' THEN '["ce_subject", "by0y"]' ELSE pair END)
        FROM jsonb_array_elements(headers) AS pair)""",
    ],
    ids=["amount", "no event", "no headers", "order key"],
)
def test_what_waits_to_be_decided_again_is_what_was_received(change: str, posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        sql(f"UPDATE ledger.dead_letter SET {change} WHERE outcome = 'PARKED' AND resolved_position IS NULL")(
            connection
        )
    report = verify(posted.dsn())
    assert failed(report) == {"dead_letters"}
    assert "is not what was received" in first_bad(report, "dead_letters")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger.account_head SET limit_policy = 'A' WHERE limit_policy = 'W'",
        "UPDATE ledger.account_head SET minimum_minor = -1 WHERE limit_policy = 'W'",
        "UPDATE ledger.account_head SET maximum_minor = 9999999 WHERE limit_policy = 'W'",
        "UPDATE ledger.account_head SET maximum_minor = 9, normal_side = 'D' WHERE account_id = 1",
        "UPDATE ledger.account_head SET normal_side = 'D' WHERE limit_policy = 'W'",
        "UPDATE ledger.account_head SET status = 'C' WHERE account_id = 1",
        "UPDATE ledger.account SET parent = 'wallets' WHERE account_id = 1",
    ],
)
def test_what_heads_say_of_status_and_limits_is_folded_from_the_accounts_events(
    change: str, posted: TestDatabase
) -> None:
    with tampering(posted) as connection:
        sql(change)(connection)
    assert failed(verify(posted.dsn())) == {"accounts"}


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM ledger.chart WHERE book_id = 1 AND version = 2",
        "UPDATE ledger.chart SET version = 3 WHERE book_id = 1 AND version = 2",
        "UPDATE ledger.book SET chart_version = 1 WHERE book_id = 1",
    ],
)
def test_versions_of_charts_are_those_that_the_log_put_in_force(change: str, posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        sql(change)(connection)
    assert failed(verify(posted.dsn())) == {"charts"}


def test_every_check_has_its_corruption() -> None:
    # The trial balance follows from balanced vouchers and true heads, so nothing breaks it alone: see below.
    assert set(CHECKS) - set(PLANTED) == {"trial_balance"}


def test_a_reversal_that_is_no_mirror_of_what_it_says_it_reverses_is_found(posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        row = connection.execute(
            f"""SELECT reversed_position, (SELECT min(position) FROM ledger.event WHERE voucher_no = 1 AND book_id = 1)
               FROM ledger.reversal WHERE {VOID_OF_PAYMENT}"""
        ).fetchone()
        assert row is not None
        said = '"reverses":[{"position":%d,'
        rewrite_states(connection, "voucher_no > 0", said % row[0], said % row[1])
        connection.execute(f"UPDATE ledger.reversal SET reversed_position = %s WHERE {VOID_OF_PAYMENT}", (row[1],))
    report = verify(posted.dsn())
    assert failed(report) == {"reversals"}
    assert "no mirror" in first_bad(report, "reversals")


def test_a_trial_balance_that_is_out_is_found_with_the_head_that_is_wrong(posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        connection.execute("UPDATE ledger.account_head SET debits_posted = debits_posted + 7 WHERE account_id = 1")
    report = verify(posted.dsn())
    assert failed(report) == {"trial_balance", "heads"}
    assert first_bad(report, "trial_balance") == "book shop: BRL is out by 7 minor units"


@pytest.mark.parametrize(
    ("change", "hold"),
    [
        ("amount_minor = 101 WHERE hold_id = 'h-placed'", "h-placed"),
        ("captured_minor = 61 WHERE hold_id = 'h-part'", "h-part"),
        ("released_minor = 99, captured_minor = 1 WHERE hold_id = 'h-released'", "h-released"),
        ("expires_at = '2031-01-01' WHERE hold_id = 'h-due'", "h-due"),
        ("account_id = account_id + 1 WHERE hold_id = 'h-captured'", "h-captured"),
        ("asset_id = 840 WHERE hold_id = 'h-captured'", "h-captured"),
        ("side = 'C' WHERE hold_id = 'h-captured'", "h-captured"),
        ("placed_position = placed_position - 1 WHERE hold_id = 'h-part'", "h-part"),
        ("closed_position = closed_position + 1 WHERE hold_id = 'h-due'", "h-due"),
        ("status = 'EXPIRED' WHERE hold_id = 'h-released'", "h-released"),
        ("hold_id = 'h-other' WHERE hold_id = 'h-captured'", "h-captured"),
    ],
)
def test_a_hold_that_is_not_what_its_events_say_is_named(change: str, hold: str, posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        assert connection.execute(f"UPDATE ledger.hold SET {change}").rowcount == 1
    assert first_bad(verify(posted.dsn()), "holds") == f"book shop: hold {hold}"


def test_a_hold_that_was_forgotten_or_made_up_is_named(posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        connection.execute("DELETE FROM ledger.hold WHERE hold_id = 'h-captured'")
    assert failed(verify(posted.dsn())) == {"holds"}
    with tampering(posted) as connection:
        connection.execute(
            """INSERT INTO ledger.hold (book_id, hold_id, account_id, asset_id, side, amount_minor, placed_position)
               SELECT book_id, 'h-0', account_id, asset_id, side, 5, placed_position
               FROM ledger.hold WHERE hold_id = 'h-part'"""
        )
    report = verify(posted.dsn())
    assert failed(report) == {"holds", "held_amounts"}
    assert first_bad(report, "holds") == "book shop: hold h-0"
    assert first_bad(report, "held_amounts") == "book shop: account wallet:seller:a"


def test_an_expiry_that_says_something_else_is_found_though_its_block_was_sealed_again(posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        rewrite_states(connection, "type = 'hold.expired'", '"released_minor":"100"', '"released_minor":"99"')
    report = verify(posted.dsn())
    assert failed(report) == {"holds"}
    assert first_bad(report, "holds") == "book shop: hold h-due"


def test_two_events_that_changed_places_are_found(posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        connection.execute(
            """UPDATE ledger.event SET state = other.state FROM ledger.event other
               WHERE event.book_id = 1 AND other.book_id = 1 AND event.voucher_no + other.voucher_no = 3
                   AND event.voucher_no > 0 AND other.voucher_no > 0"""
        )
    assert "merkle_roots" in failed(verify(posted.dsn()))


def test_a_log_cut_off_at_its_end_is_found(posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        connection.execute("DELETE FROM ledger.event WHERE position = (SELECT max(position) FROM ledger.event)")
    assert failed(verify(posted.dsn())) >= {"positions", "merkle_roots"}


def test_a_log_cut_off_together_with_its_book_and_chain_is_found_by_what_was_published(posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        connection.execute(
            "UPDATE ledger.relay_checkpoint SET position = book.position FROM ledger.book WHERE book.book_id = 1"
        )
        connection.execute(
            """DELETE FROM ledger.event USING ledger.block
               WHERE event.book_id = 1 AND block.book_id = 1 AND number = (SELECT max(number) FROM ledger.block)
                   AND event.position >= first_position"""
        )
        connection.execute("DELETE FROM ledger.block WHERE number = (SELECT max(number) FROM ledger.block)")
        connection.execute(
            """UPDATE ledger.book SET (position, block_number, block_hash) = (
                   SELECT last_position, number, hash FROM ledger.block
                   WHERE block.book_id = 1 ORDER BY number DESC LIMIT 1) WHERE book_id = 1"""
        )
    assert "relay_checkpoints" in failed(verify(posted.dsn()))


@pytest.mark.parametrize(
    ("where", "state"),
    [
        ("voucher_no = 2", b"no json"),
        ("voucher_no = 2", b"[]"),
        ("voucher_no = 2", b'{"kind":"capture","amount_minor":"99999999999999999999","cause":7,"lines":[[{}]]}'),
        ("voucher_no = 2", b'{"kind":[],"cause":[[],{},"x"],"source":[],"event_id":{},"lines":[["a","D","1"]]}'),
        ("voucher_no = 2", b'{"lines":[],"effective_at":"yesterday"}'),
        ("type = 'event.parked'", b"\xff"),
        ("type = 'account.opened'", b"{}"),
    ],
)
def test_bytes_that_cannot_be_read_are_reported_not_raised(where: str, state: bytes, posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        connection.execute(f"UPDATE ledger.event SET state = %s WHERE book_id = 1 AND {where}", (state,))
    assert "merkle_roots" in failed(verify(posted.dsn()))


def test_an_entry_without_a_voucher_is_found(posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        connection.execute("UPDATE ledger.event SET type = 'fact.recorded', voucher_no = 0 WHERE voucher_no = 4")
    assert "entries_match_events" in failed(verify(posted.dsn()))


def test_amounts_beyond_63_bits_do_not_wrap_into_balance(posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        # Sixteen credits of 2^60 each sum to nothing modulo 2^64.
        connection.execute(
            """INSERT INTO ledger.entry SELECT 1000 + n, 5, 1152921504606846976, 0, now(), 1, 1, 10 + n, 1, 986, 'C', ''
               FROM generate_series(1, 16) AS n"""
        )
    assert "vouchers_balanced" in failed(verify(posted.dsn()))


@pytest.mark.parametrize("bucket", [1, 3, 8_000])
def test_processes_and_buckets_change_nothing(
    bucket: int, posted: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "EVENTS_WORTH_A_PROCESS", 1)
    monkeypatch.setattr("ledger_core.store.verify.rows.BUCKET", bucket)
    monkeypatch.setattr("ledger_core.store.verify.scan.BUCKET", bucket)
    alone, shared = verify(posted.dsn(), processes=1), verify(posted.dsn(), processes=3)
    assert alone.checks == shared.checks
    assert failed(alone) == set()


def test_what_is_wrong_between_two_shares_is_found(posted: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "EVENTS_WORTH_A_PROCESS", 1)
    with tampering(posted) as connection:
        # Everything after some block is shifted, so that it is whole in itself.
        last = "position > (SELECT max(last_position) FROM ledger.block WHERE number < 6 AND book_id = 1)"
        connection.execute(f"UPDATE ledger.event SET voucher_no = voucher_no + 99 WHERE voucher_no > 0 AND {last}")
        connection.execute(f"UPDATE ledger.entry SET running_minor = running_minor + 5 WHERE {last}")
        connection.execute("UPDATE ledger.book SET voucher_no = voucher_no + 99 WHERE book_id = 1")
    report = verify(posted.dsn(), processes=4)
    assert failed(report) == {"voucher_numbers", "running_balances"}


def test_posting_meanwhile_neither_waits_nor_shows(posted: TestDatabase) -> None:
    before = verify(posted.dsn()).positions

    with PostedLedger(posted.dsn()) as ledger:

        def post_more(done: int, total: int) -> None:
            ledger.post([captured(f"meanwhile-{done}", 100, {"a": 100})])

        report = verify(posted.dsn(), progress=post_more)
    assert failed(report) == set()
    assert report.positions == before
    assert verify(posted.dsn()).positions["shop"] > before["shop"]


def test_one_book_can_be_verified_alone(posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        connection.execute("UPDATE ledger.block SET hash = sha256('x') WHERE book_id = 0")
    assert verify(posted.dsn(), books=["shop"]).ok
    assert failed(verify(posted.dsn(), books=["system"])) == {"block_hashes", "signed_checkpoints"}
    with pytest.raises(LookupError, match="no such book: nowhere"):
        verify(posted.dsn(), books=["shop", "nowhere"])


def test_a_frozen_account_is_whole(posted: TestDatabase) -> None:
    from ledger_core.operations.account_lifecycle import AccountLifecycle

    accounts = AccountLifecycle(lambda: connect(posted.dsn(), Role.POSTER), "shop")
    accounts.freeze("wallet:seller:a", reason="suspected fraud")
    with PostedLedger(posted.dsn()) as ledger:
        ledger.post([captured("o-10", 100, {"a": 100})])
    assert failed(verify(posted.dsn())) == set()


def test_what_our_encoder_writes_is_proven_at_once(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        ledger.post([authorized("o-1", 100), captured("o-1", 100, {"a": 60, "b": 39}), captured("o-2", 5)])
        ledger.post([refunded("o-1", 50), voided("o-2"), paid_out("p-1", "a", 7), refunded("o-3", 1)])

    def refuse(states: list[bytes]) -> list[dict[str, Any]]:
        raise AssertionError("a regular state was decoded")

    monkeypatch.setattr(scan, "decode", refuse)
    assert failed(verify(database.dsn(), processes=1)) == set()


def test_looking_closer_at_everything_comes_to_the_same(posted: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = verify(posted.dsn(), processes=1)
    monkeypatch.setattr(alike, "FEWEST_STATES", 1_000)
    assert verify(posted.dsn(), processes=1).checks == at_once.checks
    monkeypatch.setattr(scan, "read_regular", lambda *columns: None)
    assert verify(posted.dsn(), processes=1).checks == at_once.checks


@pytest.mark.parametrize("order", ['with "quotes"', "back\\slash", "ключ", 'lines":[["x"'])
def test_texts_that_need_escapes_are_compared_as_what_they_mean(order: str, database: TestDatabase) -> None:
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        ledger.post([captured(order, 100, {"a": 100}), captured("plain", 100, {"a": 100})])
    assert failed(verify(database.dsn())) == set()
