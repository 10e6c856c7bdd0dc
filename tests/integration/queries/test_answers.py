"""What the questions answer, over a book in which every outcome happened."""

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from projections.queries import accounts, events, findings, health, statements, trial_balances, vouchers
from projections.queries.amounts import Amount, Side, balance_of
from projections.queries.errors import NotFoundError
from projections.queries.snapshot import Reads, snapshot
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import BOOK, PostedLedger, captured
from tests.support.shop import book_id_of, scan_book, shop_at

Entry = tuple[int, int, int]


def entries_of(database: TestDatabase, account: str) -> list[Entry]:
    """(position, sequence, debits less credits) of each entry, straight from the table."""
    with psycopg.connect(database.dsn()) as admin:
        return admin.execute(
            """
            SELECT entry.position, entry.posting_sequence,
                   CASE entry.side WHEN 'D' THEN entry.amount_minor ELSE -entry.amount_minor END
            FROM ledger.entry JOIN ledger.account USING (book_id, account_id)
            WHERE account.code = %s AND entry.book_id = %s ORDER BY 1, 2
            """,
            (account, book_id_of(database)),
        ).fetchall()


def test_the_balance_at_every_position_is_the_fold_of_the_entries_until_then(
    shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    with shop_at(pool) as at:
        codes = [account.code for account in accounts.accounts(at)]
        assert len(codes) > 4
        for code in codes:
            entries = entries_of(database, code)
            for position in range(at.position + 1):
                until = [entry for entry in entries if entry[0] <= position]
                found = accounts.balance(at, code, as_of_position=position)
                assert found.balance == balance_of(sum(entry[2] for entry in until), "BRL", 2)
                assert found.posting_sequence == len(until)
                assert found.last_entry_position == (until[-1][0] if until else 0)
            assert accounts.balance(at, code) == accounts.balance(at, code, as_of_position=at.position)
            assert accounts.account(at, code).balance == accounts.balance(at, code).balance


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_the_pages_of_a_statement_are_its_entries_once_each_in_order(
    shop: PostedLedger, pool: ConnectionPool, database: TestDatabase, newest_first: bool, limit: int
) -> None:
    account = "clearing:processor:BRL"
    expected = [entry[1] for entry in entries_of(database, account)]
    with shop_at(pool) as at:
        position = at.position
    walked: list[int] = []
    after = None
    while True:
        # Each page in a snapshot of its own, and something new is written between two pages.
        with shop_at(pool) as at:
            page = statements.statement(
                at, account, as_of_position=position, after=after, limit=limit, newest_first=newest_first
            )
        if not page.entries:
            break
        assert page.entries_in_all == len(expected)
        walked += [entry.posting_sequence for entry in page.entries]
        after = walked[-1]
        shop.post([captured(f"new-{len(walked)}-{limit}", 100, {"a": 100})])
    assert walked == (expected[::-1] if newest_first else expected)


def test_a_statement_says_why_each_entry_is_there_and_what_it_leaves(shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        entry = statements.statement(at, "wallet:seller:a", limit=1).entries[0]
        voucher = vouchers.voucher(at, entry.voucher_no)
    assert (entry.side, entry.amount, entry.purpose) == (Side.CREDIT, Amount(5_400, "BRL", 2), "seller_share")
    assert entry.order_key == voucher.order_key == "o-1"
    assert entry.balance == balance_of(-5_400, "BRL", 2)
    assert (entry.position, entry.effective_at, entry.recorded_at) == (
        voucher.position,
        voucher.effective_at,
        voucher.recorded_at,
    )
    line = voucher.lines[entry.line - 1]
    assert (line.account, line.side, line.amount) == ("wallet:seller:a", entry.side, entry.amount)


def test_every_voucher_balances_and_names_its_cause(shop: PostedLedger, pool: ConnectionPool) -> None:
    """The outcome of an event names its voucher: of a group the first, which the others follow without a gap."""
    firsts: dict[tuple[str, str], tuple[int, int]] = {}
    with shop_at(pool) as at:
        number = 0
        while True:
            try:
                voucher = vouchers.voucher(at, number + 1)
            except NotFoundError:
                break
            number += 1
            signed = [line.amount.minor * (1 if line.side is Side.DEBIT else -1) for line in voucher.lines]
            assert sum(signed) == 0
            assert [line.line for line in voucher.lines] == list(range(1, len(signed) + 1))
            cause = voucher.cause
            outcome = events.event_outcome(at, cause.source, cause.event_id).current
            first = firsts.setdefault((cause.source, cause.event_id), (number, voucher.position))
            assert (outcome.outcome, outcome.voucher_no, outcome.position) == ("POSTED", *first)
            assert voucher.position - first[1] == number - first[0]
            assert number == first[0] or cause.event_type == "voucher.group_requested.v1"
        assert number > 5


def test_the_outcome_of_an_event_is_that_of_its_highest_revision(shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        healed = events.event_outcome(at, "/psp", "refund-o-4")
        assert [decision.outcome for decision in healed.revisions] == ["PARKED", "POSTED"]
        assert healed.revisions[0].code == "PREDECESSOR_ABSENT"
        assert healed.current.voucher_no is not None
        assert events.event_outcome(at, "/psp", "authorized-o-1").current.outcome == "RECORDED"
        rejected = events.event_outcome(at, "/psp", "captured-o-5").current
        assert (rejected.outcome, rejected.code) == ("REJECTED", "AMOUNT_NOT_POSITIVE")
        parked = events.event_outcome(at, "/psp", "refund-o-8").current
        assert parked.outcome == "PARKED"
        assert parked.waits_for


def test_a_conflict_stands_beside_the_outcome_that_counts(shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        found = events.event_outcome(at, "/psp", "captured-o-2")
    assert found.current.outcome == "POSTED"
    assert [conflict.code for conflict in found.conflicts] == ["IDEMPOTENCY_CONFLICT"]


def test_ids_that_begin_alike_do_not_share_conflicts(shop: PostedLedger, pool: ConnectionPool) -> None:
    shop.post([captured("x", 100, event_id="captured-o"), captured("y", 100, event_id="captured-o-2#1")])
    with shop_at(pool) as at:
        assert events.event_outcome(at, "/psp", "captured-o").conflicts == []
        assert events.event_outcome(at, "/psp", "captured-o-2#1").conflicts == []


def test_the_trial_balance_sums_the_accounts(shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        (total,) = trial_balances.trial_balance(at)
        listed = accounts.accounts(at)
    assert total.difference == balance_of(0, "BRL", 2)
    assert total.debits.minor == sum(account.debits.minor for account in listed) > 0
    assert total.credits.minor == sum(account.credits.minor for account in listed)
    assert sum(each.accounts or 0 for each in total.types) == len(listed)


def test_accounts_come_in_the_order_of_their_codes(shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        codes = [account.code for account in accounts.accounts(at)]
        assert codes == sorted(codes)
        assert [account.code for account in accounts.accounts(at, after=codes[1], limit=2)] == codes[2:4]


def test_findings_are_read_at_the_position_of_the_scan(
    shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    scanned = scan_book(database, book_id_of(database))
    shop.post([captured("later", 900, {"a": 900})])
    with snapshot(pool, BOOK, reads=Reads.FINDINGS) as at:
        found = findings.findings(at)
        totals = findings.finding_totals(at)
        assert at.position == scanned.position
    assert len(found) == scanned.open_findings
    by_code = {total.code: total for total in totals}
    suspense = [each for each in found if each.code == "ORDER_SUSPENSE_NOT_ZERO"]
    assert by_code["ORDER_SUSPENSE_NOT_ZERO"].findings == len(suspense) > 0
    amount = by_code["ORDER_SUSPENSE_NOT_ZERO"].amount
    assert amount is not None
    assert amount.minor == sum(each.difference.amount.minor for each in suspense if each.difference)
    with snapshot(pool, BOOK, reads=Reads.FINDINGS) as at:
        assert findings.findings(at, state="RESOLVED") == []
        assert findings.findings(at, code="IDEMPOTENCY_CONFLICT") == [
            each for each in found if each.code == "IDEMPOTENCY_CONFLICT"
        ]
        assert findings.findings(at, after=(found[0].code, found[0].subject)) == found[1:]


def test_the_relay_is_behind_by_what_it_has_not_relayed(shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        (relay,) = health.followers(at)
        assert (relay.name, relay.lag_positions) == ("relay", at.position)
    lag = health.relay_lag(pool)
    assert lag.books == 2
    assert lag.total >= lag.longest == relay.lag_positions
