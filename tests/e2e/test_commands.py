"""Every command over one small ledger: its data, its exit code, and what it says when it can't."""

from pathlib import Path
from typing import LiteralString

import orjson
import psycopg
import pytest

from api.cli.projector import NAMES
from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.event_lines import captured, refunded, write

pytestmark = pytest.mark.postgres


@pytest.fixture
def shop(machine: TestDatabase, tmp_path: Path) -> TestDatabase:
    """A book with a capture, a part of it refunded, and a line that was refused."""
    assert ledgerctl("book", "create", "shop").code == 0
    file = write(tmp_path / "events.ndjson", [captured("o1"), refunded("o1", "4000"), b"bad"])
    assert ledgerctl("ingest", file).code == 0
    return machine


def test_books_are_created_once_and_listed(machine: TestDatabase) -> None:
    created = ledgerctl("book", "create", "shop", "--json")
    assert (created.code, created.json["code"]) == (0, "shop")
    again = ledgerctl("book", "create", "shop", "--json")
    assert (again.code, again.error["code"]) == (1, "BOOK_EXISTS")
    assert {book["code"] for book in ledgerctl("book", "list", "--json").json["books"]} == {"shop", "system"}


def test_a_chart_that_cannot_be_is_refused(machine: TestDatabase, tmp_path: Path) -> None:
    chart = tmp_path / "chart.json"
    for text in ("no json", "[]", '{"controls": 7}'):
        chart.write_text(text)
        ended = ledgerctl("--json", "book", "create", "shop", "--chart", str(chart))
        assert (ended.code, ended.error["code"]) == (1, "CHART_INVALID")


def test_a_ready_made_chart_is_chosen_by_its_name(machine: TestDatabase, tmp_path: Path) -> None:
    assert ledgerctl("book", "create", "usual").code == 0
    assert ledgerctl("book", "create", "asks", "--chart", "payment-facilitator").code == 0
    printed = tmp_path / "mine.json"
    printed.write_text(ledgerctl("chart", "print", "payment-facilitator").out)
    said = {
        (book, chart): ledgerctl("chart", "diff", book, chart, "--json").json["plan"]["changes"]
        for book in ("usual", "asks")
        for chart in ("marketplace", "payment-facilitator", str(printed))
    }
    assert said["usual", "marketplace"] == said["asks", "payment-facilitator"] == said["asks", str(printed)] == []
    asks = said["usual", "payment-facilitator"]
    assert {change["name"] for change in asks} == {"payments", "transfers", "marketplace", "exchange"}
    policies = ledgerctl("chart", "list", "--json").json["charts"][1]["asks"]
    assert {change["member"]: change["after"] for change in asks if change["name"] in ("payments", "transfers")} == {
        member: str(wanted) for name in ("payments", "transfers") for member, wanted in policies[name].items()
    }
    applied = ledgerctl("chart", "apply", "usual", "payment-facilitator", "--reason", "we drive it now", "--apply")
    assert (applied.code, "version 2 is in force" in applied.out) == (0, True)


def test_a_chart_that_does_not_come_along_is_refused_by_name(machine: TestDatabase) -> None:
    ended = ledgerctl("--json", "book", "create", "shop", "--chart", "market-place")
    assert (ended.code, ended.error["code"], "chart list" in ended.error["next"]) == (1, "CHART_INVALID", True)
    ended = ledgerctl("--json", "chart", "print", "market-place")
    assert (ended.code, ended.error["code"], "chart list" in ended.error["next"]) == (1, "CHART_UNKNOWN", True)


def test_a_voucher_is_shown_with_lines_and_cause(shop: TestDatabase) -> None:
    voucher = ledgerctl("voucher", "show", "1", "--book", "shop", "--json").json["voucher"]
    assert [(line["account"], line["side"], line["amount"]["amount_minor"]) for line in voucher["lines"]] == [
        ("clearing:processor:BRL", "debit", "10000"),
        ("wallet:seller:1", "credit", "9000"),
        ("revenue:commission:BRL", "credit", "1000"),
    ]
    assert voucher["cause"]["event_id"] == "payment-capture-o1"
    shown = ledgerctl("voucher", "show", "1", "--book", "shop")
    assert "clearing:processor:BRL" in shown.out
    missing = ledgerctl("voucher", "show", "99", "--book", "shop", "--json")
    assert (missing.code, missing.error["code"]) == (1, "VOUCHER_UNKNOWN")


def test_accounts_are_shown_and_their_statements_end_at_their_balance(shop: TestDatabase) -> None:
    account = ledgerctl("account", "show", "wallet:seller:1", "-b", "shop", "--json").json["account"]
    assert account["balance"] == {"amount_minor": "5400", "currency": "BRL", "scale": 2, "side": "credit"}
    statement = ledgerctl("account", "statement", "wallet:seller:1", "-b", "shop", "--json").json
    assert statement["entries"][-1]["balance"] == account["balance"]
    listed = ledgerctl("account", "list", "-b", "shop", "--json").json["accounts"]
    assert "wallet:seller:1" in {one["code"] for one in listed}
    assert "clearing:processor:BRL" in ledgerctl("account", "list", "-b", "shop").out


def test_an_account_is_shown_with_its_limits(shop: TestDatabase) -> None:
    limit = ("account", "limit", "wallet:seller:1", "-b", "shop", "--policy", "warn", "--minimum", "-500")
    assert ledgerctl(*limit, "--reason", "an overdraft").code == 0
    shown = ("account", "show", "wallet:seller:1", "-b", "shop")
    assert ledgerctl(*shown, "--json").json["account"]["limits"] == {
        "minimum": {"amount_minor": "500", "currency": "BRL", "scale": 2, "side": "debit"},
        "maximum": None,
        "policy": "warn",
    }
    assert "5.00 debit" in ledgerctl(*shown).out


def test_the_tree_of_accounts_rolls_up_by_the_chart_in_force(shop: TestDatabase, tmp_path: Path) -> None:
    chart = ledgerctl("chart", "show", "shop", "--json").json["chart"]["document"]
    wallets = next(template for template in chart["templates"] if template["pattern"] == "wallet:seller:*")
    wallets["parent"] = "owed"
    grouped = tmp_path / "grouped.json"
    grouped.write_bytes(orjson.dumps({**chart, "groups": [{"code": "owed", "name": "What we owe"}]}))
    assert ledgerctl("chart", "apply", "shop", str(grouped), "--reason", "groups", "--apply").code == 0

    told = ledgerctl("account", "tree", "-b", "shop", "--json").json
    group, seller, *_ = told["nodes"]
    assert (group["kind"], group["code"], seller["code"], seller["parent"], seller["depth"]) == (
        "group", "owed", "wallet:seller:1", "owed", 1,
    )  # fmt: skip
    assert group["balances"] == seller["balances"]
    assert group["balances"][0]["balance"] == {"amount_minor": "5400", "currency": "BRL", "scale": 2, "side": "credit"}
    assert told["balances"][0]["balance"]["side"] == "none"
    assert len(ledgerctl("account", "tree", "-b", "shop", "--groups", "--json").json["nodes"]) == 1
    drawn = ledgerctl("account", "tree", "-b", "shop").out
    assert "owed  What we owe" in drawn
    assert "  wallet:seller:1" in drawn
    nowhere = ledgerctl("account", "tree", "-b", "nowhere", "--json")
    assert (nowhere.code, nowhere.error["code"]) == (1, "BOOK_UNKNOWN")


def test_a_frozen_account_parks_events_and_posts_them_when_unfrozen(shop: TestDatabase, tmp_path: Path) -> None:
    frozen = ledgerctl("account", "freeze", "wallet:seller:1", "-b", "shop", "--reason", "court order", "--json")
    assert frozen.json["account"]["frozen_because"] == "court order"
    parked = ledgerctl("ingest", write(tmp_path / "more.ndjson", [captured("o2")]), "--json")
    assert (parked.lines[0]["outcome"], parked.lines[0]["code"]) == ("PARKED", "ACCOUNT_FROZEN")
    unfrozen = ledgerctl("account", "unfreeze", "wallet:seller:1", "-b", "shop", "--reason", "lifted", "--json")
    assert (unfrozen.json["account"]["frozen_because"], unfrozen.json["healed"]) == (None, 1)
    outcome = ledgerctl("event", "show", "payment-capture-o2", "--source", "/shop/payments", "-b", "shop", "--json")
    assert outcome.json["outcome"] == "POSTED"


def test_what_waits_for_an_account_is_posted_when_it_opens(shop: TestDatabase, tmp_path: Path) -> None:
    parked = ledgerctl("ingest", write(tmp_path / "more.ndjson", [captured("o3", seller="vault:1")]), "--json")
    assert parked.lines[0]["code"] == "ACCOUNT_MISSING"
    opened = ledgerctl("account", "open", "vault:1", "-b", "shop", "--type", "liability", "--currency", "BRL", "--json")
    assert (opened.code, opened.json["healed"]) == (0, 1)
    other = ledgerctl("account", "open", "vault:1", "-b", "shop", "--type", "asset", "--currency", "BRL", "--json")
    assert (other.code, other.error["code"]) == (1, "ACCOUNT_EXISTS_DIFFERENTLY")


def test_commands_that_change_accounts_need_a_reason(shop: TestDatabase) -> None:
    assert ledgerctl("account", "freeze", "wallet:seller:1", "-b", "shop").code == 2
    empty = ledgerctl("account", "freeze", "wallet:seller:1", "-b", "shop", "--reason", "  ", "--json")
    assert (empty.code, empty.error["code"]) == (1, "REASON_MISSING")


def test_reconcile_opens_findings_and_findings_lists_them(shop: TestDatabase, tmp_path: Path) -> None:
    without = captured("o9").replace(b'"beneficiaries"', b'"payer_note"')
    assert ledgerctl("ingest", write(tmp_path / "x.ndjson", [without]), "--json").lines[0]["code"] == "DATA_INVALID"
    conflicting = captured("o1", "7777")
    ledgerctl("ingest", write(tmp_path / "y.ndjson", [conflicting]))
    assert ledgerctl("reconcile", "--json").json["scans"]["shop"]["opened"] == 1
    found = ledgerctl("findings", "-b", "shop", "--json").json["findings"]
    assert [finding["code"] for finding in found] == ["IDEMPOTENCY_CONFLICT"]
    assert ledgerctl("reconcile", "--json").json["scans"]["shop"]["opened"] == 0
    assert "IDEMPOTENCY_CONFLICT" in ledgerctl("findings", "-b", "shop").out


def test_the_trial_balance_is_zero_and_drawn_with_its_currency(shop: TestDatabase) -> None:
    ended = ledgerctl("--json", "trial-balance", "--book", "shop")
    assert (ended.code, ended.json["trial_balance"]) == (0, {"BRL": 0})
    assert "difference" in ledgerctl("trial-balance", "--book", "shop").out


def test_a_balance_is_shown_in_two_times(shop: TestDatabase) -> None:
    balance = ("--json", "balance", "shop", "wallet:seller:1")
    now = ledgerctl(*balance).json
    assert (now["balance"]["amount_minor"], now["effective_at"], now["entries"]) == ("5400", None, 2)
    day = ledgerctl("--json", "account", "statement", "wallet:seller:1", "-b", "shop").json["entries"][0][
        "effective_at"
    ][:10]
    through = ledgerctl(*balance, "--effective-at", day).json
    assert (through["balance"], through["effective_at"], through["position"]) == (now["balance"], day, now["position"])
    before = ledgerctl(*balance, "--effective-at", "2000-01-01", "--known-at-position", "3").json
    assert (before["balance"]["side"], before["entries"], before["position"]) == ("none", 0, 3)
    assert day in ledgerctl("balance", "shop", "wallet:seller:1", "--effective-at", day).out
    trial = ledgerctl("--json", "trial-balance", "-b", "shop", "--effective-at", day)
    assert (trial.code, trial.json["trial_balance"]) == (0, {"BRL": 0})


@pytest.mark.parametrize(
    ("asked", "exit_code", "code"),
    [
        (["balance", "shop", "wallet:seller:1", "--known-at-position", "99"], 1, "POSITION_AHEAD"),
        (["balance", "shop", "wallet:seller:1", "--effective-at", "2026-01-01", "--known-at-position", "99"], 1,
         "POSITION_AHEAD"),
        (["trial-balance", "-b", "shop", "--known-at-position", "99"], 1, "POSITION_AHEAD"),
        (["balance", "shop", "wallet:seller:none", "--effective-at", "2026-01-01"], 1, "ACCOUNT_MISSING"),
        (["balance", "none", "wallet:seller:1"], 1, "BOOK_UNKNOWN"),
    ],
)  # fmt: skip
def test_a_balance_that_cannot_be_told_is_refused_by_name(
    shop: TestDatabase, asked: list[str], exit_code: int, code: str
) -> None:
    ended = ledgerctl("--json", *asked)
    assert (ended.code, ended.error["code"]) == (exit_code, code)


@pytest.mark.parametrize(
    "asked",
    [
        ["balance", "shop", "wallet:seller:1", "--effective-at", "2026-02-30"],
        ["balance", "shop", "wallet:seller:1", "--effective-at", "2026-01-01T12:00:00Z"],
        ["balance", "shop", "wallet:seller:1", "--known-at-position", "-1"],
        ["trial-balance", "-b", "shop", "--through", "2026-01-01", "--effective-at", "2026-01-01"],
    ],
)
def test_times_that_are_none_are_a_usage_error(shop: TestDatabase, asked: list[str]) -> None:
    assert ledgerctl(*asked).code == 2


def test_verify_is_green_and_exits_3_naming_the_row_when_a_row_was_changed(shop: TestDatabase) -> None:
    green = ledgerctl("verify", "--json")
    assert (green.code, green.json["ok"]) == (0, True)
    tamper(shop, "UPDATE ledger.entry SET amount_minor = amount_minor + 1" + FIRST_LINE)
    try:
        broken = ledgerctl("verify", "--json")
        assert (broken.code, broken.json["ok"]) == (3, False)
        assert "vouchers_balanced" in {check["name"] for check in broken.json["checks"] if not check["ok"]}
        assert "BROKEN" in ledgerctl("verify").out
    finally:
        tamper(shop, "UPDATE ledger.entry SET amount_minor = amount_minor - 1" + FIRST_LINE)


FIRST_LINE = " WHERE line = 1 AND position = (SELECT min(position) FROM ledger.entry)"


def tamper(database: TestDatabase, statement: str) -> None:
    """A change that no trigger sees."""
    with psycopg.connect(database.dsn()) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement.encode())


def test_lag_and_doctor_say_how_things_stand(shop: TestDatabase) -> None:
    lag = ledgerctl("lag", "--json")
    assert lag.code == 0
    behind = {(one["book"], one["name"]): one["lag"] for one in lag.json["followers"]}
    assert behind["shop", "relay"] > 0  # nothing relays in this test
    doctor = ledgerctl("doctor", "--json")
    assert (doctor.code, doctor.json["ok"]) == (0, True)
    names = {check["name"] for check in doctor.json["checks"]}
    assert {"python", "postgres", "schema", "durability", "partitions"} <= names


@pytest.mark.parametrize(
    "stop",
    [
        """INSERT INTO ledger.source_position (topic, partition, beginning, next_offset, stopped_code)
        VALUES ('payments.events.v1', 0, 0, 0, 'SOURCE_CORRUPT')""",
        """INSERT INTO projections.source_position (consumer, topic, partition, next_offset, stopped_code)
        VALUES ('projector', 'ledger.events.v1', 0, 0, 'SOURCE_CORRUPT')""",
    ],
    ids=["of payments", "of the ledger, at the projector"],
)
def test_a_stopped_partition_is_a_problem(shop: TestDatabase, stop: LiteralString) -> None:
    with psycopg.connect(shop.dsn()) as connection:
        connection.execute(stop)
    assert ledgerctl("lag", "--json").code == 3
    doctor = ledgerctl("doctor")
    assert doctor.code == 3
    assert "SOURCE_CORRUPT" in doctor.out


def test_doctor_tells_who_takes_no_postings(shop: TestDatabase) -> None:
    with psycopg.connect(shop.dsn()) as connection:
        connection.execute("UPDATE ledger.book SET posting_mode = 'halted' WHERE code = 'shop'")
        connection.execute("INSERT INTO ledger.maintenance VALUES (0, 'all', 'drain', 'moving house', NULL)")
        connection.execute("INSERT INTO ledger.maintenance VALUES (1, 'all', 'drain', 'is over', now())")
    (told,) = [check for check in ledgerctl("doctor", "--json").json["checks"] if check["name"] == "maintenance"]
    assert told["detail"] == "drain of all in every book: moving house; halted of all in shop: its posting mode"


def test_a_rebuild_gives_the_same_rows(shop: TestDatabase) -> None:
    ended = ledgerctl("projector", "rebuild", "-b", "shop", "--json")
    assert ended.code == 0
    assert all(one["same"] for one in ended.json["rebuilt"])
    assert [one["projection"] for one in ended.json["rebuilt"]] == list(NAMES)


def test_a_database_without_the_schema_is_not_ready_and_migrate_makes_it_so(
    machine: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(machine.server_dsn, autocommit=True) as connection:
        name = f"{machine.name}_bare"
        connection.execute(f"CREATE DATABASE {name}".encode())
    try:
        monkeypatch.setenv("LEDGER_DATABASE", name)
        for command in (["verify"], ["trial-balance", "-b", "shop"], ["ingest", __file__], ["lag"]):
            ended = ledgerctl("--json", *command)
            assert (ended.code, ended.error["code"]) == (5, "NOT_MIGRATED"), command
        assert len(ledgerctl("migrate", "--json").json["applied"]) >= 6
        assert ledgerctl("migrate", "--json").json["applied"] == []
        assert ledgerctl("verify", "--json").code == 0
    finally:
        with psycopg.connect(machine.server_dsn, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_a_server_that_is_away_is_not_ready_and_nothing_secret_is_said(
    machine: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_POSTGRES_DSN", "postgresql://poster:hidden-word@127.0.0.1:1/ledger")
    for command in (["verify"], ["book", "list"], ["account", "show", "x", "-b", "y"]):
        ended = ledgerctl(*command)
        assert ended.code == 5
        assert "STORE_UNAVAILABLE" in ended.err
        assert "hidden-word" not in ended.err + ended.out
        assert "Traceback" not in ended.err


@pytest.mark.parametrize(("variable", "value"), [("LEDGER_POSTGRES_DSN", "hidden-word"), ("LEDGER_KAFKA", "pigeons")])
def test_settings_that_cannot_be_are_named_and_not_shown(
    machine: TestDatabase, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    for command in (["verify"], ["up"], ["demo"], ["migrate"]):
        ended = ledgerctl("--json", *command)
        assert (ended.code, ended.error["code"]) == (5, "CONFIGURATION_UNSAFE")
        assert variable in ended.error["next"]
        assert "hidden-word" not in ended.err


def test_a_book_s_code_has_its_form(machine: TestDatabase) -> None:
    for code in ("Shop", "shop 1", "", "-shop", "x" * 64):
        assert ledgerctl("--json", "book", "create", "--", code).error["code"] == "BOOK_CODE_INVALID"


def test_without_any_ledger_every_command_says_how_to_start_one(
    machine: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEDGER_POSTGRES_DSN")
    for command in (["verify"], ["book", "list"], ["lag"], ["reconcile"]):
        ended = ledgerctl("--json", *command)
        assert (ended.code, ended.error["code"]) == (5, "NO_LEDGER_HERE")
        assert "ledgerctl demo" in ended.error["next"]
    assert ledgerctl("doctor", "--json").code == 3


def test_an_unknown_book_is_not_found_and_a_foreign_one_looks_the_same(shop: TestDatabase) -> None:
    for command in (["trial-balance"], ["findings"], ["voucher", "show", "1"], ["account", "list"]):
        ended = ledgerctl("--json", *command, "--book", "nowhere")
        assert (ended.code, ended.error["code"]) == (1, "BOOK_UNKNOWN")
