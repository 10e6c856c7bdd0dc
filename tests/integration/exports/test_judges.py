"""What hledger, ledger and beancount make of our books: they agree, and they see what we would rather hide."""

from pathlib import Path

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from projections.exports.judges import JUDGES, Judgement, JudgeMissing, ask, find_programs
from projections.queries.amounts import balance_of
from tests.support.databases import TestDatabase
from tests.support.judges import programs_of
from tests.support.posted_ledger import PostedLedger
from tests.support.shop import shop_at
from tests.support.tampering import rewrite_states, tampering

pytestmark = pytest.mark.postgres


def judged(pool: ConnectionPool, judge: str) -> Judgement:
    programs = programs_of(judge)
    with shop_at(pool) as at:
        return ask(at, JUDGES[judge], programs)


@pytest.mark.parametrize("judge", JUDGES)
def test_the_judge_agrees_on_every_balance_of_a_book_with_names_texts_and_days_of_all_kinds(
    judge: str, shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    with psycopg.connect(database.dsn()) as admin:
        row = admin.execute(
            """SELECT count(*), (SELECT count(*) FROM ledger.event WHERE voucher_no > 0)
               FROM ledger.account_head WHERE debits_posted <> credits_posted"""
        ).fetchone()
    found = judged(pool, judge)
    assert (found.refusal, found.differences) == ("", [])
    assert row == (found.accounts, found.vouchers)
    assert found.vouchers > 30


@pytest.mark.parametrize("judge", JUDGES)
def test_a_head_that_is_not_what_the_log_says_is_named(
    judge: str, shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    with tampering(database) as connection:
        for code, column in (("wallet:seller:a::b", "debits_posted"), ("clearing:processor:BRL", "credits_posted")):
            connection.execute(
                f"""UPDATE ledger.account_head SET {column} = {column} + 5 FROM ledger.account
                    WHERE account.account_id = account_head.account_id AND account.code = %s""",
                [code],
            )
    found = judged(pool, judge)
    assert not found.ok
    assert [each.account for each in found.differences] == ["clearing:processor:BRL", "wallet:seller:a::b"]
    wallet = found.differences[1]
    assert (wallet.ours, wallet.theirs) == (balance_of(-85, "BRL", 2), balance_of(-90, "BRL", 2))


@pytest.mark.parametrize("judge", JUDGES)
def test_an_account_that_only_one_of_the_two_has_is_named(
    judge: str, shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    with tampering(database) as connection:
        connection.execute("UPDATE ledger.account_head SET debits_posted = 0, credits_posted = 0 WHERE asset_id = 840")
    found = judged(pool, judge)
    assert {each.theirs.amount.currency for each in found.differences} == {"USD"}
    assert {each.ours.amount.minor for each in found.differences} == {0}


@pytest.mark.parametrize("judge", JUDGES)
def test_a_voucher_that_does_not_balance_is_refused_in_the_judge_s_own_words(
    judge: str, shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    with tampering(database) as connection:
        rewrite_states(connection, "voucher_no = 1", '"D","10000"', '"D","10001"')
    found = judged(pool, judge)
    assert not found.ok
    assert found.refusal
    assert "/" not in found.refusal.partition("book.")[0][-1:]  # our temporary folder is no part of it


@pytest.mark.parametrize("judge", JUDGES)
def test_an_empty_book_is_agreed_on(judge: str, database: TestDatabase, pool: ConnectionPool) -> None:
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
    found = judged(pool, judge)
    assert (found.ok, found.vouchers, found.accounts) == (True, 0, 0)


@pytest.mark.parametrize("judge", JUDGES)
def test_a_program_that_is_not_there_is_named(judge: str, tmp_path: Path) -> None:
    with pytest.raises(JudgeMissing, match=JUDGES[judge].programs[0]):
        find_programs(JUDGES[judge], tmp_path / "nowhere")


def test_a_program_that_says_something_else_is_no_judge(
    shop: PostedLedger, pool: ConnectionPool, tmp_path: Path
) -> None:
    impostor = tmp_path / "hledger"
    impostor.write_text('#!/bin/sh\nprintf \'"account","balance"\\n"cash","1.5 BRL"\\n\'\n')
    impostor.chmod(0o755)
    with shop_at(pool) as at:
        found = ask(at, JUDGES["hledger"], find_programs(JUDGES["hledger"], impostor))
    assert "1.5 BRL" in found.refusal
