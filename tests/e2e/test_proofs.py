"""From an event in a file to a proof that convinces someone who has nothing but that proof and a key."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import psycopg
import pytest

from deploy.local.postgres import LocalPostgres
from ledger_core.store.proof.__main__ import main as offline
from tests.invariants import assert_invariants
from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.event_lines import captured, write
from tests.support.servers import SERVERS_VARIABLE

pytestmark = pytest.mark.postgres
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "signing.key"
    assert ledgerctl("checkpoint", "keygen", str(path), "--name", "ledger.example").code == 0
    return path


@pytest.fixture
def shop(machine: TestDatabase, tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> TestDatabase:
    """A book with three vouchers, and LEDGER_SIGNING_KEY_FILE set."""
    monkeypatch.setenv("LEDGER_SIGNING_KEY_FILE", str(key_file))
    assert ledgerctl("book", "create", "shop").code == 0
    assert ledgerctl("ingest", write(tmp_path / "events.ndjson", [captured("o1"), captured("o2")])).code == 0
    return machine


def public(key_file: Path) -> str:
    return str(key_file.with_name(f"{key_file.name}.pub"))


def elsewhere(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`ledgerctl` as a process of its own, with no setting of a ledger in its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LEDGER_", "PG"))}
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        cwd=REPOSITORY, env=environment | {"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_proof_holds_with_postgresql_stopped_and_no_word_of_it(
    tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = LocalPostgres(Path(os.environ[SERVERS_VARIABLE]) / "proofs")
    proof = tmp_path / "voucher-1.json"
    with server:
        monkeypatch.setenv("LEDGER_POSTGRES_DSN", server.dsn())
        monkeypatch.setenv("LEDGER_HOME", str(tmp_path / "home"))
        for command in (
            ["migrate"],
            ["book", "create", "shop"],
            ["ingest", write(tmp_path / "events.ndjson", [captured("o1")])],
            ["checkpoint", "sign", "shop", "--signing-key", str(key_file)],
            ["proof", "create", "shop", "1", "--out", str(proof)],
        ):
            assert ledgerctl(*command).code == 0, command
        dsn = server.dsn()
        assert_invariants(dsn)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn)
    monkeypatch.delenv("LEDGER_POSTGRES_DSN")
    checked = elsewhere("--json", "proof", "check", str(proof), "--key", public(key_file))
    assert (checked.returncode, checked.stderr) == (0, "")
    answer = orjson.loads(checked.stdout)
    assert (answer["ok"], answer["pinned"], answer["book"]) == (True, True, "shop")
    assert answer["state"]["event_id"] == "payment-capture-o1"

    document = orjson.loads(proof.read_bytes())
    document["block_path"].append(document["leaf_hash"])
    proof.write_bytes(orjson.dumps(document))
    forged = elsewhere("--json", "proof", "check", str(proof), "--key", public(key_file))
    assert forged.returncode == 3
    assert orjson.loads(forged.stdout)["reason"].startswith("path in the block: the path is too long")


def test_a_proof_is_made_by_number_position_or_event_and_checked(
    shop: TestDatabase, tmp_path: Path, key_file: Path
) -> None:
    missing = ledgerctl("--json", "proof", "create", "shop", "1")
    assert (missing.code, missing.error["code"]) == (1, "CHECKPOINT_MISSING")
    signed = ledgerctl("checkpoint", "sign", "--json")
    assert [one["book"] for one in signed.json["checkpoints"]] == ["shop"]
    by_number = ledgerctl("proof", "create", "shop", "2")
    assert by_number.code == 0
    position = str(orjson.loads(by_number.out)["position"])
    assert ledgerctl("proof", "create", "shop", "--position", position).out == by_number.out
    event = ("--event", "payment-capture-o2", "--source", "/shop/payments")
    assert ledgerctl("proof", "create", "shop", *event).out == by_number.out
    file = tmp_path / "proof.json"
    file.write_text(by_number.out)
    shown = ledgerctl("proof", "check", str(file))
    assert shown.code == 0
    assert "NOT PINNED" in shown.out
    assert "payment-capture-o2" in shown.out
    other = tmp_path / "other.key"
    ledgerctl("checkpoint", "keygen", str(other))
    refused = ledgerctl("proof", "check", str(file), "--key", public(other))
    assert refused.code == 3
    assert "other key: the proof is signed by ledger.example+" in refused.out


@pytest.mark.parametrize(
    "arguments", [[], ["1", "--position", "2"], ["--event", "x"], ["1", "--source", "x"], ["0"], ["--position", "0"]]
)
def test_which_voucher_is_said_in_one_way(arguments: list[str], shop: TestDatabase) -> None:
    assert ledgerctl("proof", "create", "shop", *arguments).code == 2


def test_what_is_not_there_has_no_proof(shop: TestDatabase) -> None:
    for arguments, code in (
        (["nowhere", "1"], "BOOK_UNKNOWN"),
        (["shop", "99"], "VOUCHER_UNKNOWN"),
        (["shop", "--position", "999"], "POSITION_NOT_FOUND"),
        (["shop", "--event", "x", "--source", "/y"], "EVENT_NOT_FOUND"),
    ):
        ended = ledgerctl("--json", "proof", "create", *arguments)
        assert (ended.code, ended.error["code"]) == (1, code)


def test_a_checkpoint_is_printed_as_it_is_kept_and_checked_against_the_log(
    shop: TestDatabase, tmp_path: Path, key_file: Path
) -> None:
    assert ledgerctl("checkpoint", "show", "shop", "--json").error["code"] == "CHECKPOINT_MISSING"
    printed = ledgerctl("checkpoint", "sign", "shop")
    assert printed.out.startswith("ledger.example/shop\n")
    assert ledgerctl("checkpoint", "show", "shop").out == printed.out
    again = ledgerctl("checkpoint", "sign", "shop")
    assert (again.out, "nothing new" in again.err) == (printed.out, True)
    assert "ledger.example+" in ledgerctl("checkpoint", "show", "shop", "--all").out

    kept = tmp_path / "kept.txt"
    kept.write_text(printed.out)
    against = ("--checkpoint", str(kept), "--key", public(key_file))
    assert ledgerctl("checkpoint", "verify", "--json").json["checked"] == 1
    assert ledgerctl("checkpoint", "verify", *against, "--json").json["checked"] == 2
    assert ledgerctl("verify", *against).code == 0
    part = ledgerctl("verify", "--since-checkpoint", "--json")
    assert (part.code, part.json["starts"]["shop"] > 0) == (0, True)
    assert "what is new holds" in ledgerctl("verify", "--from", "3", "--book", "shop").out

    kept.write_text(printed.out.replace("log-epoch 1", "log-epoch 2"))
    forged = ledgerctl("verify", *against, "--json")
    assert (forged.code, forged.error["code"]) == (1, "CHECKPOINT_UNUSABLE")


def test_a_log_that_is_not_what_was_signed_exits_3(shop: TestDatabase, tmp_path: Path, key_file: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(ledgerctl("checkpoint", "sign", "shop").out)
    against = ("--checkpoint", str(kept), "--key", public(key_file), "--json")
    change = """UPDATE ledger.block SET hash = sha256(hash)
        WHERE number = (SELECT max(block_number) FROM ledger.signed_checkpoint)"""
    with psycopg.connect(shop.dsn()) as connection:
        connection.execute("SET session_replication_role = replica")
        before = connection.execute("SELECT book_id, number, hash FROM ledger.block").fetchall()
        connection.execute(change.encode())
    for command in (["checkpoint", "verify"], ["verify"]):
        ended = ledgerctl(*command, *against)
        assert ended.code == 3
        assert "is not the one that was signed" in ended.out
    assert ledgerctl("proof", "create", "shop", "1", "--json").error["code"] == "LOG_DIFFERS"
    assert ledgerctl("checkpoint", "sign", "shop", "--json").code == 0  # nothing new: no second history
    with psycopg.connect(shop.dsn()) as connection:
        connection.execute("SET session_replication_role = replica")
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE ledger.block SET hash = %s WHERE book_id = %s AND number = %s",
                [(block_hash, book_id, number) for book_id, number, block_hash in before],
            )


def test_a_proof_that_is_not_there_is_no_proof_that_does_not_hold(tmp_path: Path) -> None:
    checked = ledgerctl("--json", "proof", "check", str(tmp_path / "none.json"))
    assert (checked.code, checked.error["code"]) == (1, "FILE_UNREADABLE")
    assert offline([str(tmp_path / "none.json")]) == 1


def test_keys_that_cannot_be_used_are_refused_without_their_content(
    shop: TestDatabase, tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = key_file.read_text().strip()
    key_file.chmod(0o644)
    exposed = ledgerctl("checkpoint", "sign", "shop", "--json")
    assert (exposed.code, exposed.error["code"]) == (1, "KEY_UNUSABLE")
    assert secret not in exposed.out + exposed.err
    assert ledgerctl("checkpoint", "keygen", str(key_file), "--json").error["code"] == "KEY_NOT_MADE"
    monkeypatch.delenv("LEDGER_SIGNING_KEY_FILE")
    assert ledgerctl("checkpoint", "sign", "--json").error["code"] == "SIGNING_KEY_MISSING"
    assert ledgerctl("verify", "--checkpoint", str(tmp_path / "x")).code == 2
    assert ledgerctl("verify", "--from", "7").code == 2
    unreadable = ledgerctl("proof", "check", str(tmp_path / "x"), "--key", str(tmp_path / "y"), "--json")
    assert (unreadable.code, unreadable.error["code"]) == (1, "KEY_UNUSABLE")
