"""A small ledger planted row by row, for tests of readers: what the poster would write, without the poster.

The database's own guards are on: heads are written before entries, every voucher balances, each event has
its block.
Hashes are stand-ins, since nobody verifies them here.
"""

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final, NamedTuple

import psycopg

EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
PURPOSES: Final = (
    "payment", "seller_share", "platform_fee", "suspense", "unallocated", "refund", "payout", "reversal", "adjustment",
)  # fmt: skip


class Line(NamedTuple):
    """One line of a planted voucher."""

    account: str
    side: str
    amount_minor: int
    purpose: str = "payment"


PAST_TENSE = {"capture": "captured", "refund": "refunded", "void": "voided"}


@dataclass(slots=True)
class PlantedAccount:
    """What the builder must remember of an account."""

    account_id: int
    asset_id: int
    currency: str
    keyed: bool


@dataclass(slots=True)
class PlantedLedger:
    """One book in the making; each method is one transaction on a superuser's connection, committed."""

    connection: psycopg.Connection
    code: str
    book_id: int = field(init=False)
    accounts: dict[str, PlantedAccount] = field(default_factory=dict)
    _clock: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        with self.connection.transaction():
            row = self._row(
                """INSERT INTO ledger.book_directory (code, book_id)
                   SELECT %s, max(book_id) + 1 FROM ledger.book_directory RETURNING book_id""",
                self.code,
            )
            self.book_id = int(str(row[0]))
            self._execute(
                "INSERT INTO ledger.book (book_id, code, chart_version) VALUES (%s, %s, 1)",
                self.book_id,
                self.code,
            )
            self._execute("INSERT INTO ledger.chart (book_id, version, document) VALUES (%s, 1, '{}')", self.book_id)
            self._execute("INSERT INTO ledger.relay_checkpoint (book_id) VALUES (%s)", self.book_id)
            self._execute("INSERT INTO ledger.source (book_id, uri) VALUES (%s, '/psp')", self.book_id)
        self.event("book.created", {"code": self.code, "chart_version": 1, "chart": {}})

    def open(self, code: str, kind: str, currency: str = "BRL", *, role: str = "", keyed: bool = False) -> None:
        """Open an account."""
        with self.connection.transaction():
            asset = int(str(self._row("SELECT asset_id FROM ledger.asset WHERE code = %s", currency)[0]))
            row = self._row(
                """INSERT INTO ledger.account (book_id, code, type, asset_id, role, keyed)
                   VALUES (%s, %s, %s, %s, %s, %s) RETURNING account_id""",
                self.book_id, code, kind, asset, role, keyed,
            )  # fmt: skip
            account = PlantedAccount(int(str(row[0])), asset, currency, keyed)
            self._execute(
                "INSERT INTO ledger.account_head (book_id, account_id, asset_id) VALUES (%s, %s, %s)",
                self.book_id, account.account_id, asset,
            )  # fmt: skip
        self.accounts[code] = account
        self.event("account.opened", {"code": code, "type": kind, "currency": currency, "role": role, "keyed": keyed})

    def freeze(self, code: str) -> None:
        """Freeze an account."""
        with self.connection.transaction():
            self._execute(
                "UPDATE ledger.account_head SET status = 'F' WHERE book_id = %s AND account_id = %s",
                self.book_id, self.accounts[code].account_id,
            )  # fmt: skip

    def voucher(
        self,
        lines: list[Line],
        *,
        order_key: str = "order-1",
        event_id: str = "",
        kind: str = "capture",
        revision: int = 1,
    ) -> int:
        """Post a voucher; returns its number."""
        event_id = event_id or uuid.uuid4().hex
        state = self._upstream(event_id, f"payment.{PAST_TENSE.get(kind, kind)}.v1", revision) | {
            "kind": kind, "rule": f"payment_{kind}d/1", "currency": self.accounts[lines[0].account].currency,
            "amount_minor": str(sum(line.amount_minor for line in lines if line.side == "D")),
            "lines": [
                [line.account, line.side, str(line.amount_minor), self.accounts[line.account].currency, line.purpose]
                for line in lines
            ],
            **({"refund_id": event_id} if kind == "refund" else {}),
        }  # fmt: skip
        with self.connection.transaction():
            position, number = self._append(
                "voucher.posted", state, order_key, voucher=True, inbox=(event_id, revision)
            )
            for place, line in enumerate(lines, start=1):
                self._move_head(line)
                self._pending_entry(position, place, line, order_key, str(state["effective_at"]))
            self._write_entries()
        return number

    def capture(self, order_key: str, seller_minor: int, suspense_minor: int = 0, *, event_id: str = "") -> int:
        """Post a capture of `seller_minor` for a seller, with a difference (credit above 0) in the order's suspense."""
        lines = [
            Line("clearing", "D", seller_minor + suspense_minor),
            Line("wallet:seller:1", "C", seller_minor, "seller_share"),
        ]
        if suspense_minor:
            side = "C" if suspense_minor > 0 else "D"
            lines.append(Line("suspense:orders:BRL", side, abs(suspense_minor), "suspense"))
        return self.voucher(lines, order_key=order_key, event_id=event_id)

    def settle(self, order_key: str, suspense_minor: int) -> int:
        """Take a credit (above 0) or debit out of an order's suspense again."""
        suspense, clearing = ("D", "C") if suspense_minor > 0 else ("C", "D")
        return self.voucher(
            [
                Line("suspense:orders:BRL", suspense, abs(suspense_minor), "suspense"),
                Line("clearing", clearing, abs(suspense_minor)),
            ],
            order_key=order_key,
        )

    def recorded(self, event_id: str, *, order_key: str = "order-1", amount_minor: int = 100) -> int:
        """Record a fact without entries; returns its position."""
        state = {"kind": "authorization", **self._upstream(event_id, "payment.authorized.v1", 1),
                 "amount_minor": str(amount_minor), "currency": "BRL", "method": "card"}  # fmt: skip
        with self.connection.transaction():
            return self._append("fact.recorded", state, order_key, inbox=(event_id, 1))[0]

    def refused(
        self,
        event_id: str,
        code: str,
        *,
        parked: bool = False,
        waits_for: str = "",
        order_key: str = "order-1",
        key: str = "",
    ) -> int:
        """Reject or park an event with its dead letter; `key` is the inbox key where it is not the event's id."""
        state: dict[str, object] = {
            "code": code,
            "detail": f"because of {code}",
            **self._upstream(event_id, "payment.refunded.v1", 1),
        }
        if waits_for:
            state["waits_for"] = waits_for
        with self.connection.transaction():
            position, _ = self._append(
                "event.parked" if parked else "event.rejected", state, order_key, inbox=(key or event_id, 1)
            )
            self._execute(
                """INSERT INTO ledger.dead_letter (position, log_offset, timestamp_ms, book_id, source_id,
                partition, incarnation,
                       revision, outcome, code, detail, waits_for, order_key, event_id, topic, headers)
                   VALUES (%s, 0, 0, %s, (SELECT min(source_id) FROM ledger.source WHERE book_id = %s), 0, 1,
                       1, %s, %s, '', %s, %s, %s, 'payments', '[]')""",
                position, self.book_id, self.book_id, "PARKED" if parked else "REJECTED", code, waits_for, order_key,
                event_id,
            )  # fmt: skip
        return position

    def event(self, kind: str, state: dict[str, object]) -> int:
        """Append an event that no upstream event caused; returns its position."""
        with self.connection.transaction():
            return self._append(kind, state, "")[0]

    #
    # ------------------------------------------------------------------------------------------------------- inside
    def _upstream(self, event_id: str, event_type: str, revision: int) -> dict[str, object]:
        moment = EPOCH + timedelta(minutes=next(self._clock))
        state: dict[str, object] = {
            "effective_at": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "source": "/psp", "event_id": event_id, "event_type": event_type,
            "cause": ["payments", 0, self._clock_value(moment)],
        }  # fmt: skip
        return state | ({"revision": revision} if revision > 1 else {})

    @staticmethod
    def _clock_value(moment: datetime) -> int:
        return int((moment - EPOCH).total_seconds() // 60)

    def _append(
        self,
        kind: str,
        state: dict[str, object],
        order_key: str,
        *,
        voucher: bool = False,
        inbox: tuple[str, int] | None = None,
    ) -> tuple[int, int]:
        batch_id = int(str(self._row("SELECT nextval('ledger.batch_id')")[0]))
        position, number, block, recorded_at = self._row(
            """UPDATE ledger.book SET position = position + 1, voucher_no = voucher_no + %s, block_number =
            block_number + 1,
                   recorded_at = greatest(recorded_at, clock_timestamp())
               WHERE book_id = %s RETURNING position, voucher_no, block_number, recorded_at""",
            int(voucher), self.book_id,
        )  # fmt: skip
        if inbox is not None:
            self._execute(
                """INSERT INTO ledger.inbox (batch_id, book_id, source_id, ordinal, revision, event_id,
                fingerprint)
                   SELECT %s, %s, min(source_id), 0, %s, %s, %s FROM ledger.source WHERE book_id = %s""",
                batch_id, self.book_id, inbox[1], inbox[0], b"\1" * 17, self.book_id,
            )  # fmt: skip
        self._execute(
            "INSERT INTO ledger.block VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            block, batch_id, position, position, recorded_at, self.book_id, b"m" * 32, b"p" * 32, b"h" * 32,
        )  # fmt: skip
        self._execute(
            """INSERT INTO ledger.event (position, voucher_no, book_id, type, order_key, state)
               VALUES (%s, %s, %s, %s, %s, %s)""",
            position, number if voucher else 0, self.book_id, kind, order_key, json.dumps(state).encode(),
        )  # fmt: skip
        return int(str(position)), int(str(number))

    def _move_head(self, line: Line) -> None:
        self._execute(
            """UPDATE ledger.account_head SET posting_sequence = posting_sequence + 1,
                   debits_posted = debits_posted + %s, credits_posted = credits_posted + %s
               WHERE book_id = %s AND account_id = %s""",
            line.amount_minor if line.side == "D" else 0, line.amount_minor if line.side == "C" else 0,
            self.book_id, self.accounts[line.account].account_id,
        )  # fmt: skip

    def _pending_entry(self, position: int, place: int, line: Line, order_key: str, effective_at: str) -> None:
        account = self.accounts[line.account]
        self._execute("CREATE TEMP TABLE IF NOT EXISTS pending_entry (LIKE ledger.entry)")
        self._execute(
            """INSERT INTO pending_entry (posting_sequence, position, amount_minor, running_minor,
            effective_at, book_id, account_id,
                   line, purpose, asset_id, side, order_key)
               SELECT posting_sequence, %s, %s, debits_posted - credits_posted, %s, book_id, account_id,
               %s, %s, asset_id, %s, %s
               FROM ledger.account_head WHERE book_id = %s AND account_id = %s""",
            position, line.amount_minor, effective_at, place, PURPOSES.index(line.purpose) + 1, line.side,
            order_key if account.keyed else "", self.book_id, account.account_id,
        )  # fmt: skip

    def _write_entries(self) -> None:
        self._execute(
            "WITH moved AS (DELETE FROM pending_entry RETURNING *) INSERT INTO ledger.entry SELECT * FROM moved"
        )

    def _execute(self, query: str, *values: object) -> None:
        self.connection.execute(query.encode(), values)

    def _row(self, query: str, *values: object) -> tuple[object, ...]:
        row = self.connection.execute(query.encode(), values).fetchone()
        assert row is not None
        return row


def plant(connection: psycopg.Connection, code: str = "shop") -> PlantedLedger:
    """A book with the accounts that `capture` and `settle` use."""
    ledger = PlantedLedger(connection, code)
    ledger.open("clearing", "asset", role="PROCESSOR_CLEARING")
    ledger.open("wallet:seller:1", "liability")
    ledger.open("suspense:orders:BRL", "liability", role="ORDER_SUSPENSE", keyed=True)
    return ledger
