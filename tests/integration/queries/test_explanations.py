"""From a balance to everything behind it: complete, exact, and at one position."""

from datetime import date

import pytest
from psycopg_pool import ConnectionPool

from projections.queries import accounts, explained_sums, statements, vouchers
from projections.queries.amounts import Amount, Side, balance_of
from projections.queries.effective_explanations import explain_effective
from projections.queries.errors import NotFoundError, PositionAheadError
from projections.queries.explained_sums import Moved, sums_since_zero
from projections.queries.explanations import ExplainedEntry, explain, explain_voucher
from projections.queries.origins import LogRecord
from projections.queries.snapshot import Snapshot, snapshot
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import BOOK, PostedLedger, captured, group, paid_out, requested
from tests.support.shop import shop_at
from tests.support.tampering import rewrite_states, tampering
from tests.support.two_times import Oracle

CLEARING = "clearing:processor:BRL"


def signed(side: Side, amount: Amount) -> int:
    return amount.minor if side is Side.DEBIT else -amount.minor


def codes(at: Snapshot) -> list[str]:
    return [account.code for account in accounts.accounts(at)]


def moved(rows: list[Moved]) -> int:
    return sum(row.debits.minor - row.credits.minor for row in rows)


def test_an_explanation_is_the_statement_newest_first_with_each_entry_s_voucher(
    shop: PostedLedger, pool: ConnectionPool
) -> None:
    with shop_at(pool) as at:
        for code in codes(at):
            found = explain(at, code)
            stated = statements.statement(at, code, newest_first=True).entries
            assert found.balance == accounts.balance(at, code).balance
            assert [(each.posting_sequence, each.line, each.side, each.amount, each.balance, each.purpose)
                    for each in found.entries] == [
                (each.posting_sequence, each.line, each.side, each.amount, each.balance, each.purpose)
                for each in stated
            ]  # fmt: skip
            for entry, line in zip(found.entries, stated, strict=True):
                voucher = vouchers.voucher(at, line.voucher_no)
                told = entry.voucher
                assert (told.voucher_no, told.position, told.kind, told.rule, told.chart_version) == (
                    voucher.voucher_no, voucher.position, voucher.kind, voucher.rule, voucher.chart_version,
                )  # fmt: skip
                assert (told.order_key, told.effective_at, told.recorded_at, told.lines) == (
                    voucher.order_key, voucher.effective_at, voucher.recorded_at, voucher.lines,
                )  # fmt: skip
                cause = voucher.cause
                assert told.origin.record == LogRecord(cause.topic, cause.partition, cause.offset)
                assert (told.origin.source, told.origin.event_id, told.origin.revision) == (
                    cause.source, cause.event_id, cause.revision,
                )  # fmt: skip
                block = at.connection.execute(
                    "SELECT first_position, last_position FROM ledger.block WHERE book_id = %s AND number = %s",
                    [at.book_id, told.block_number],
                ).fetchone()
                assert block is not None
                assert block[0] <= told.position <= block[1]


@pytest.mark.parametrize("since_zero", [False, True])
@pytest.mark.parametrize("limit", [1, 3])
def test_the_pages_of_an_explanation_hold_each_entry_once_while_others_post(
    shop: PostedLedger, pool: ConnectionPool, limit: int, since_zero: bool
) -> None:
    with shop_at(pool) as at:
        position, whole = at.position, explain(at, CLEARING, since_zero=since_zero)
    walked: list[int] = []
    after = None
    while True:
        with shop_at(pool) as at:
            page = explain(
                at, CLEARING, as_of_position=position, after=after, limit=limit, since_zero=since_zero
            )  # fmt: skip
        if not page.entries:
            break
        walked += [entry.posting_sequence for entry in page.entries]
        after = walked[-1]
        assert (page.position, page.balance, page.first_entry) == (position, whole.balance, whole.first_entry)
        shop.post([captured(f"new-{len(walked)}-{limit}-{since_zero}", 100, {"a": 100})])
    assert walked == [entry.posting_sequence for entry in whole.entries]


def test_what_followed_the_last_zero_makes_the_balance_at_every_position_of_every_account(
    shop: PostedLedger, pool: ConnectionPool
) -> None:
    shop.post([captured("z-1", 1_000, {"z": 1_000}), paid_out("p-8", "z", 900), captured("z-2", 70, {"z": 70})])
    with shop_at(pool) as at:
        for code in codes(at):
            for position in range(at.position + 1):
                found = explain(at, code, as_of_position=position, since_zero=True)
                sums = sums_since_zero(at, code, as_of_position=position)
                balance = signed(found.balance.side, found.balance.amount)
                assert sum(signed(entry.side, entry.amount) for entry in found.entries) == balance
                assert sums.opening == balance_of(0, "BRL", 2)
                assert moved(sums.by_kind) == moved(sums.by_counter_account) == balance
                assert (sums.first_entry, sums.entries) == (found.first_entry, len(found.entries))
                assert sum(row.entries for row in sums.by_kind) == len(found.entries)
                if found.entries:
                    assert signed(found.entries[0].balance.side, found.entries[0].balance.amount) == balance
                    first = found.entries[-1]
                    assert abs(signed(first.side, first.amount)) == first.balance.amount.minor
        assert explain(at, "wallet:seller:z", since_zero=True).first_entry == 3


def backdate(shop: PostedLedger) -> None:
    """Captures of four days, recorded in no order of theirs."""
    days = (21, 19, 20, 18, 21, 19)
    shop.post([captured(f"b-{n}", 100 + n, {"a": 100 + n}, time=f"2026-11-{day}T23:59:59.999999Z")
               for n, day in enumerate(days)])  # fmt: skip


def test_at_a_date_what_took_effect_until_then_makes_the_balance_at_every_position_of_every_account(
    shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    backdate(shop)
    oracle = Oracle.of(database.dsn(), BOOK)
    with shop_at(pool) as at:
        for code in codes(at):
            for day in (date(2026, 11, 17 + later) for later in range(6)):
                for position in (at.position, at.position - 1, at.position - 4, 9, 0):
                    found = explain_effective(at, code, effective_at=day, known_at_position=position)
                    entries, balance = oracle.balance(code, day, position)
                    assert (len(found.entries), found.made_by, found.position) == (entries, entries, position)
                    assert signed(found.balance.side, found.balance.amount) == balance
                    assert found.first_entry == (found.entries[-1].posting_sequence if entries else 0)
                    running = 0
                    for entry in reversed(found.entries):
                        assert entry.voucher.effective_at.date() <= day
                        running += signed(entry.side, entry.amount)
                        assert signed(entry.balance.side, entry.balance.amount) == running


@pytest.mark.parametrize("limit", [1, 2])
def test_pages_at_a_date_hold_each_entry_once_while_others_backdate(
    shop: PostedLedger, pool: ConnectionPool, limit: int
) -> None:
    backdate(shop)
    day = date(2026, 11, 19)
    with shop_at(pool) as at:
        position, whole = at.position, explain_effective(at, CLEARING, effective_at=day)
    assert len(whole.entries) == 3
    walked: list[ExplainedEntry] = []
    after = None
    while True:
        with shop_at(pool) as at:
            page = explain_effective(
                at, CLEARING, effective_at=day, known_at_position=position, after=after, limit=limit
            )
        if not page.entries:
            break
        walked += page.entries
        after = walked[-1].posting_sequence
        assert (page.position, page.balance, page.first_entry) == (position, whole.balance, whole.first_entry)
        shop.post([captured(f"new-{after}", 100, {"a": 100}, time="2026-11-19T00:00:00Z")])
    assert walked == whole.entries


def test_an_entry_with_several_accounts_on_the_other_side_is_shared_among_them(
    shop: PostedLedger, pool: ConnectionPool
) -> None:
    shop.post([captured("one", 1_000, {"q": 600, "r": 400})])
    with shop_at(pool) as at:
        wallet = sums_since_zero(at, "wallet:seller:q")
        clearing = sums_since_zero(at, CLEARING)
    assert [(row.name, row.entries, row.credits.minor) for row in wallet.by_counter_account] == [(CLEARING, 1, 540)]
    assert [(row.name, row.entries) for row in wallet.by_kind] == [("capture", 1)]
    of = {row.name: row for row in clearing.by_counter_account}
    assert (of["wallet:seller:q"].debits.minor, of["wallet:seller:r"].debits.minor) == (540, 360)


def test_of_very_many_entries_the_newest_are_summed_and_the_rest_is_the_opening_balance(
    shop: PostedLedger, pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explained_sums, "MOST_ENTRIES", 2)
    with shop_at(pool) as at:
        found = explain(at, CLEARING)
        sums = sums_since_zero(at, CLEARING)
    assert len(found.entries) > 2
    assert sums.opening == found.entries[2].balance
    opening = signed(sums.opening.side, sums.opening.amount)
    assert opening + moved(sums.by_kind) == signed(found.balance.side, found.balance.amount)
    assert (sums.first_entry, sums.entries) == (found.entries_in_all - 1, 2)


def test_a_voucher_is_explained_with_the_balance_that_each_line_left(shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        number = 0
        while True:
            try:
                found = explain_voucher(at, number + 1)
            except NotFoundError:
                break
            number += 1
            for line, balance in zip(found.voucher.lines, found.balances, strict=True):
                entries = statements.statement(at, line.account).entries
                (entry,) = [each for each in entries if (each.voucher_no, each.line) == (number, line.line)]
                assert entry.balance == balance
    assert number > 5


def test_each_member_of_a_group_shows_the_group_and_the_others_in_full(
    shop: PostedLedger, pool: ConnectionPool
) -> None:
    shop.post([group("three", *(requested("three", amount) for amount in (7, 8, 9))), captured("alone", 50, {"a": 50})])
    with shop_at(pool) as at:
        newest = explain(at, "wallet:seller:a", limit=4).entries
        alone = explain_voucher(at, newest[0].voucher.voucher_no)
        members = [entry.voucher for entry in reversed(newest[1:])]
        numbers = [member.voucher_no for member in members]
        assert [member.lines[0].amount.minor for member in members] == [7, 8, 9]
        for member in members:
            told = explain_voucher(at, member.voucher_no)
            assert told.voucher == member
            assert member.group == vouchers.voucher(at, member.voucher_no).group == numbers
            assert told.group_others == [other for other in members if other != member]
            assert "group" not in member.details
        assert (alone.voucher.group, alone.group_others) == ([], [])
        assert vouchers.voucher(at, alone.voucher.voucher_no).group == []


def test_what_a_voucher_s_event_says_of_persons_links_and_reasons_is_told(
    shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    said = (
        '"memo":"till was short","reverses":[{"position":3,"voucher_no":1,"kind":"capture"}],'
        '"compensates":[{"position":3,"voucher_no":1}],"adjustment":{"reason":"cash_count","reference":"7","approved_by":"Bo"},'
        '"operator":"Ann","signed_off_by":["Cy","Di"],"quote":{"rate":"1.25"},"lines":'
    )
    with tampering(database) as connection:
        rewrite_states(connection, "voucher_no = 2", '"lines":', said)
    with shop_at(pool) as at:
        told = explain_voucher(at, 2).voucher
        assert explain(at, told.lines[0].account).entries[-2].voucher == told
    assert (told.memo, told.reverses, told.compensates) == ("till was short", [1], [1])
    assert told.persons == {"operator": "Ann", "approved_by": "Bo", "signed_off_by": "Cy, Di"}
    assert told.details == {
        "method": "card", "adjustment": {"reason": "cash_count", "reference": "7", "approved_by": "Bo"},
        "quote": {"rate": "1.25"},
    }  # fmt: skip


def test_what_is_not_there_is_not_explained(shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        with pytest.raises(PositionAheadError):
            explain(at, CLEARING, as_of_position=at.position + 1)
        with pytest.raises(PositionAheadError):
            explain_effective(at, CLEARING, effective_at=date.max, known_at_position=at.position + 1)
        with pytest.raises(NotFoundError):
            explain_effective(at, "wallet:seller:nobody", effective_at=date.max)
        for question in (explain, sums_since_zero):
            with pytest.raises(NotFoundError):
                question(at, "wallet:seller:nobody")
        with pytest.raises(NotFoundError):
            explain_voucher(at, 0)


def test_another_book_s_account_and_voucher_are_not_there(shop: PostedLedger, pool: ConnectionPool) -> None:
    shop.create_book("empty")
    with snapshot(pool, "empty") as at:
        with pytest.raises(NotFoundError):
            explain(at, CLEARING)
        with pytest.raises(NotFoundError):
            explain_voucher(at, 1)
