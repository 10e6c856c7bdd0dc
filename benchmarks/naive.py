"""A ledger as most people would write it first: a transaction per payment, balances locked, rows inserted one by one.

It checks less than ours (no fingerprints, chain, outcomes or positions), so it is flattered.
"""

import json
import time
from collections.abc import Iterable
from typing import Any, Final, LiteralString

import psycopg

from consumers.transport.ports import StoredRecord

SCHEMA: Final[LiteralString] = """
    CREATE SCHEMA naive;
    CREATE TABLE naive.account (code text PRIMARY KEY, currency text NOT NULL, balance_minor bigint NOT NULL DEFAULT 0);
    CREATE TABLE naive.voucher (
        voucher_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event_id text NOT NULL UNIQUE,
        payload jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE naive.entry (
        entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        voucher_id bigint NOT NULL REFERENCES naive.voucher,
        account text NOT NULL REFERENCES naive.account,
        amount_minor bigint NOT NULL,
        balance_minor bigint NOT NULL
    );
    CREATE INDEX ON naive.entry (account, entry_id);
    CREATE INDEX ON naive.entry (voucher_id);
"""


def naive_rate(dsn: str, accounts: Iterable[str], records: list[StoredRecord]) -> float:
    """Vouchers a second on one connection."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        with connection.cursor() as cursor:
            rows = [(code, "EUR") for code in accounts]
            cursor.executemany("INSERT INTO naive.account (code, currency) VALUES (%s, %s)", rows)
        connection.execute("VACUUM ANALYZE naive.account")
        began_s = time.monotonic()
        for record in records:
            post_payment(connection, record)
        return len(records) / (time.monotonic() - began_s)


def post_payment(connection: psycopg.Connection, record: StoredRecord) -> None:
    """One payment, one transaction."""
    payment: dict[str, Any] = json.loads(record.value or b"")
    event_id = dict(record.headers)["ce_id"].decode()
    beneficiary = payment["beneficiaries"][0]
    movements = {payment["payer"]: int(payment["amount_minor"]), beneficiary["account"]: -int(payment["amount_minor"])}
    with connection.transaction():
        inserted = connection.execute(
            "INSERT INTO naive.voucher (event_id, payload) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING voucher_id",
            (event_id, json.dumps(payment)),
        ).fetchone()
        if inserted is None:
            return
        found = connection.execute(
            "SELECT code, balance_minor FROM naive.account WHERE code = ANY(%s) ORDER BY code FOR UPDATE",
            (list(movements),),
        )
        for code, balance_minor in found.fetchall():
            after_minor = balance_minor + movements[code]
            connection.execute(
                "INSERT INTO naive.entry (voucher_id, account, amount_minor, balance_minor) VALUES (%s, %s, %s, %s)",
                (inserted[0], code, movements[code], after_minor),
            )
            connection.execute("UPDATE naive.account SET balance_minor = %s WHERE code = %s", (after_minor, code))
