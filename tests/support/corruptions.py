"""A corruption for each check of `verify` that no other check finds, in the ledger of `test_verify`."""

from collections.abc import Callable
from typing import Any

import psycopg

from tests.support.tampering import recompute_running, reseal, rewrite_states

VOID_OF_PAYMENT = "reversal_position = (SELECT max(position) FROM ledger.event WHERE order_key = 'o-7')"
"""The link of a payment's void: what a request took back is also missed in the sums of its payment."""
CLEARING = "clearing:processor:BRL"
Plant = Callable[[psycopg.Connection[Any]], object]


def sql(*statements: str) -> Plant:
    """Runs these statements; each must change something."""

    def plant(connection: psycopg.Connection[Any]) -> None:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, f"changed nothing: {statement}"

    return plant


def an_event_is_missing(connection: psycopg.Connection[Any]) -> None:
    connection.execute("DELETE FROM ledger.event WHERE book_id = 1 AND type = 'account.went_negative'")
    reseal(connection, 1)


def a_block_was_recorded_before_the_last(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        """UPDATE ledger.block SET recorded_at = recorded_at - interval '1 year'
           WHERE book_id = 1 AND number = 3"""
    )
    reseal(connection, 1)


def two_vouchers_are_out_by_a_unit_each(connection: psycopg.Connection[Any]) -> None:
    # One up, the other down, in events, entries and running balances: every sum but the voucher's own agrees.
    for order, old, new in (("o-2", 5_000, 5_001), ("o-3", 7_000, 6_999)):
        line = f'["{CLEARING}","D","%d"'
        where = f"order_key = '{order}' AND state LIKE '%%\"kind\":\"capture\"%%'::bytea"
        rewrite_states(connection, where, line % old, line % new)
        connection.execute(
            f"""UPDATE ledger.entry SET amount_minor = {new} FROM ledger.event
                WHERE entry.position = event.position AND entry.book_id = event.book_id
                    AND side = 'D' AND amount_minor = {old} AND {where.replace("order_key", "event.order_key")}"""
        )
    recompute_running(connection, CLEARING)


def an_account_with_balance_zero_changed_its_currency(connection: psycopg.Connection[Any]) -> None:
    seller = "code = 'wallet:seller:z'"
    connection.execute(
        f"UPDATE ledger.account SET asset_id = (SELECT asset_id FROM ledger.asset WHERE code = 'USD') WHERE {seller}"
    )
    connection.execute(
        """UPDATE ledger.account_head SET asset_id = account.asset_id FROM ledger.account
           WHERE account.account_id = account_head.account_id AND account.book_id = account_head.book_id"""
    )
    opened = '"code":"wallet:seller:z","type":"liability","currency":"%s"'
    rewrite_states(connection, "type = 'account.opened'", opened % "BRL", opened % "USD")


def two_entries_of_an_account_changed_their_numbers(connection: psycopg.Connection[Any]) -> None:
    numbered = f"""UPDATE ledger.entry SET posting_sequence = %s FROM ledger.account
                   WHERE account.account_id = entry.account_id AND code = '{CLEARING}' AND posting_sequence = %s"""
    for new, old in ((99, 1), (1, 2), (2, 99)):
        assert connection.execute(numbered, (new, old)).rowcount == 1


PLANTED: dict[str, Plant] = {
    "webhooks": sql(
        "INSERT INTO webhook.feed (book_id, endpoint, processor, received) VALUES (1, 'stripe', 'stripe', 2)"
    ),
    "positions": an_event_is_missing,
    "blocks": sql("UPDATE ledger.book SET block_number = block_number + 1 WHERE book_id = 1"),
    "block_hashes": sql("UPDATE ledger.block SET hash = sha256('x') WHERE book_id = 1 AND number = 2"),
    "block_times": a_block_was_recorded_before_the_last,
    "merkle_roots": sql(
        """UPDATE ledger.event SET state = convert_to(replace(convert_from(state, 'UTF8'), '"detail":"', '"detail":"?'),
           'UTF8') WHERE book_id = 1 AND type = 'event.rejected'"""
    ),
    "leaf_marks": sql(
        """UPDATE ledger.block SET leaf_marks = set_byte(leaf_marks, 3, get_byte(leaf_marks, 3) # 1)
           WHERE book_id = 1 AND number = 2"""
    ),
    "voucher_numbers": sql(
        "UPDATE ledger.event SET voucher_no = 99 WHERE book_id = 1 AND voucher_no = 1",
        "UPDATE ledger.event SET voucher_no = 1 WHERE book_id = 1 AND voucher_no = 2",
        "UPDATE ledger.event SET voucher_no = 2 WHERE book_id = 1 AND voucher_no = 99",
    ),
    "vouchers_balanced": two_vouchers_are_out_by_a_unit_each,
    "entries_match_events": sql("UPDATE ledger.entry SET purpose = 9 WHERE purpose = 3"),
    "entry_currencies": an_account_with_balance_zero_changed_its_currency,
    "entry_order_keys": sql("UPDATE ledger.entry SET order_key = 'o-1' WHERE order_key = 'o-2'"),
    "posting_sequences": two_entries_of_an_account_changed_their_numbers,
    "running_balances": sql("UPDATE ledger.entry SET running_minor = running_minor + 1 WHERE posting_sequence = 1"),
    "heads": sql(
        "UPDATE ledger.account_head SET debits_posted = debits_posted + 1, credits_posted = credits_posted + 1"
    ),
    "inbox_to_events": sql("UPDATE ledger.inbox SET event_id = 'other' WHERE event_id = 'captured-o-3'"),
    "events_to_inbox": sql("DELETE FROM ledger.inbox WHERE event_id = 'captured-o-3'"),
    "source_offsets": sql(
        "ALTER TABLE ledger.source_position DROP CONSTRAINT source_position_check",
        "UPDATE ledger.source_position SET gaps = gaps + 1",
    ),
    "source_counters": sql("UPDATE ledger.source_position SET posted = posted - 1, recorded = recorded + 1"),
    "parts": sql("UPDATE ledger.subject_part SET used_minor = used_minor + 1 WHERE kind = 'settlement'"),
    "exchanges": sql(
        "UPDATE ledger.payment_exchange SET credited_back_minor = credited_back_minor + 1 WHERE order_key = 's-x'"
    ),
    "subjects": sql("UPDATE ledger.subject SET captured_minor = captured_minor + 1 WHERE order_key = 'o-3'"),
    "holds": sql("UPDATE ledger.hold SET tolerance_bps = 501 WHERE hold_id = 'h-part'"),
    "held_amounts": sql("UPDATE ledger.account_head SET debits_pending = debits_pending + 1 WHERE debits_pending > 0"),
    "reversals": sql(f"DELETE FROM ledger.reversal WHERE {VOID_OF_PAYMENT}"),
    "compensations": sql("UPDATE ledger.compensation SET compensated_position = compensated_position - 1"),
    "parked_keys": sql("UPDATE ledger.subject SET parked = parked + 1 WHERE order_key = 'o-8'"),
    "notices": sql("""UPDATE ledger.notice SET said = said || '{"status": "VERIFIED"}'"""),
    "dead_letters": sql("DELETE FROM ledger.dead_letter WHERE code = 'AMOUNT_NOT_POSITIVE'"),
    "groups": lambda connection: rewrite_states(connection, "order_key = 'g-1'", '"group":[2,2]', '"group":[2,3]'),
    "accounts": sql("UPDATE ledger.account_head SET status = 'F' WHERE account_id = 1"),
    "assets": sql("UPDATE ledger.asset SET scale = 2 WHERE code = 'ETH'"),
    "merchants": sql("UPDATE ledger.book SET posting_mode = 'open' WHERE code = 'merchant-7'"),
    "signed_checkpoints": sql("UPDATE ledger.signed_checkpoint SET signature = sha512('x')"),
    "periods": sql("UPDATE ledger.book SET closed_through = '2020-06-30T23:59:59.999999Z' WHERE book_id = 1"),
    "closing_balances": lambda connection: rewrite_states(
        connection, "type = 'period.closed'", '"trial_balance":"', '"trial_balance":"0'
    ),
    "charts": sql(
        """UPDATE ledger.chart SET document = document || '{"name": "another"}' WHERE book_id = 1 AND version = 2"""
    ),
    "crossings": lambda connection: rewrite_states(
        connection, "type = 'account.went_negative'", '"minimum_minor":"0"', '"minimum_minor":"-9"'
    ),
    "relay_checkpoints": sql("UPDATE ledger.relay_checkpoint SET position = 1000 WHERE book_id = 1"),
}
"""A corruption for each check that no other check finds."""
