"""`ledgerctl demo`: the whole pipeline on one machine, with books that hold."""

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.cli.stores import DEMO_DATABASE
from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase

# Every demo makes the database of demos anew: on one server they run one after another.
pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("demo"), pytest.mark.usefixtures("demo_database")]
PROMISED_KEYS = {
    "events", "outcomes", "vouchers", "entries", "trial_balance", "findings", "verify", "seconds", "events_per_second",
    "broker", "postgres",
}  # fmt: skip


def test_the_demo_ends_with_books_that_hold_and_a_replay_posts_nothing(machine: TestDatabase) -> None:
    ended = ledgerctl("--json", "demo", "--orders", "400", "--seed", "7", "--replay")
    assert ended.code == 0, ended.err
    result = ended.json
    assert result.keys() >= PROMISED_KEYS
    assert sum(result["outcomes"].values()) == result["events"] > 1_000
    assert set(result["outcomes"]) == {"posted", "recorded", "replayed", "skipped", "rejected", "parked"}
    assert set(result["trial_balance"].values()) == {0}
    assert result["verify"]["ok"] is True
    assert result["broker"] == "embedded"
    assert result["replay"] == dict.fromkeys(result["outcomes"], 0) | {"replayed": result["events"]}

    later = ledgerctl("--json", "trial-balance", "--book", "demo")
    assert (later.code, later.json["trial_balance"]) == (0, result["trial_balance"])
    findings = ledgerctl("--json", "findings", "--book", "demo").json
    assert sum(total["findings"] for total in findings["totals"]) <= result["findings"]


def test_the_same_seed_makes_the_same_books(machine: TestDatabase) -> None:
    first, second = (ledgerctl("--json", "demo", "--orders", "150", "--seed", "3").json for _ in range(2))
    same = ("events", "vouchers", "entries", "findings", "outcomes", "captured_minor")
    assert {key: first[key] for key in same} == {key: second[key] for key in same}


def test_a_stranger_reads_what_happened_and_where_to_look_further(machine: TestDatabase) -> None:
    ended = ledgerctl("demo", "--orders", "150")
    assert ended.code == 0
    for words in ("payment events became", "adds up", "trial balance BRL", "checks hold", "ledgerctl trial-balance"):
        assert words in ended.out
    assert "reconciling" in ended.err


def test_files_that_are_not_there_are_said_so(machine: TestDatabase, tmp_path: Path) -> None:
    ended = ledgerctl("--json", "demo", "--olist", str(tmp_path))
    assert (ended.code, ended.error["code"]) == (1, "INPUT_MISSING")


def test_a_database_of_that_name_that_no_demo_made_is_left_as_it_is(machine: TestDatabase) -> None:
    with psycopg.connect(machine.server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DEMO_DATABASE}".encode())
        try:
            ended = ledgerctl("--json", "demo", "--orders", "10")
            assert (ended.code, ended.error["code"]) == (1, "DEMO_DATABASE_FOREIGN")
            assert "LEDGER_POSTGRES_DSN" in ended.error["next"]
            with psycopg.connect(make_conninfo(machine.server_dsn, dbname=DEMO_DATABASE)) as left_alone:
                assert left_alone.execute("SELECT to_regnamespace('ledger') IS NULL").fetchone() == (True,)
        finally:
            connection.execute(f"DROP DATABASE {DEMO_DATABASE}".encode())


@pytest.mark.kafka
def test_the_demo_on_real_kafka_holds_too(
    machine: TestDatabase, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_KAFKA_BOOTSTRAP", kafka_bootstrap)
    ended = ledgerctl("--json", "demo", "--broker", "kafka", "--orders", "200", "--replay")
    assert ended.code == 0, ended.err
    result = ended.json
    assert result["broker"] == "kafka"
    assert sum(result["outcomes"].values()) == result["events"]
    assert result["verify"]["ok"] is True
    assert result["replay"]["replayed"] == result["events"]
