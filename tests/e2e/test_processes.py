"""The processes of the pipeline: they start only when it is safe, and end in good order."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from deploy.local.processes import wait_gone
from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.event_lines import event, write

pytestmark = pytest.mark.postgres
PATIENCE_SECONDS = 60


@contextmanager
def running(*command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A child process, ended at the latest when the block ends."""
    child = subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(PATIENCE_SECONDS, child.kill)
    watchdog.start()
    try:
        yield child
    finally:
        watchdog.cancel()
        child.kill()
        child.communicate()


def until_logged(child: subprocess.Popen[str], event: str) -> dict[str, object]:
    """Reads the log up to a line with this event."""
    assert child.stderr is not None
    for line in child.stderr:
        if line.startswith("{") and (said := json.loads(line))["event"] == event:
            return dict(said)
    pytest.fail(f"ended without {event}")


def metrics_of(port: object) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return bytes(answer.read())


@pytest.fixture
def signing_key(tmp_path: Path) -> Path:
    path = tmp_path / "signing.key"
    assert ledgerctl("checkpoint", "keygen", str(path)).code == 0
    return path


@pytest.mark.parametrize("name", ["payments", "relay", "projector", "reconciler", "expiry", "all"])
def test_a_process_ends_in_good_order_on_sigterm(topics: TestDatabase, name: str) -> None:
    with running("consumers.bootstrap", name, LEDGER_ALLOW_OWNER_LOGIN="true", LEDGER_METRICS_PORT="0") as child:
        port = until_logged(child, "metrics.serving")["port"]
        until_logged(child, "process.started")
        wanted = b"ledger_consumer_lag_messages{" if name in {"payments", "all"} else b"ledger_"
        while wanted not in metrics_of(port):
            assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        until_logged(child, "process.stopped")
        assert child.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LEDGER_ALLOW_OWNER_LOGIN", "false"),
        ("LEDGER_KAFKA_ENABLE_AUTO_COMMIT", "true"),
        ("LEDGER_KAFKA_AUTO_OFFSET_RESET", "latest"),
    ],
)
def test_a_process_does_not_start_on_unsafe_settings_and_names_the_key(
    topics: TestDatabase, variable: str, value: str
) -> None:
    settings = {"LEDGER_ALLOW_OWNER_LOGIN": "true", variable: value}
    with running("consumers.bootstrap", "payments", **settings) as child:
        _, said = child.communicate(timeout=PATIENCE_SECONDS)
    assert child.returncode == 5
    assert variable in said
    assert "Traceback" not in said


def test_a_process_does_not_start_on_a_server_that_gives_up_durability(topics: TestDatabase) -> None:
    with psycopg.connect(topics.server_dsn, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {topics.name} SET synchronous_commit = off".encode())
    with running("consumers.bootstrap", "relay", LEDGER_ALLOW_OWNER_LOGIN="true") as child:
        _, said = child.communicate(timeout=PATIENCE_SECONDS)
    assert child.returncode == 5
    assert "synchronous_commit" in said


def test_a_narrow_login_starts(topics: TestDatabase) -> None:
    login = f"{topics.name}_login"
    with psycopg.connect(topics.server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {login} LOGIN PASSWORD 'narrow'".encode())
        connection.execute(f"GRANT ledger_poster, ledger_projector TO {login}".encode())
    try:
        dsn = psycopg.conninfo.make_conninfo(topics.dsn(), user=login, password="narrow")
        with running("consumers.bootstrap", "all", LEDGER_POSTGRES_DSN=dsn) as child:
            until_logged(child, "process.started")
            child.send_signal(signal.SIGINT)
            assert child.wait(PATIENCE_SECONDS) == 0
    finally:
        with psycopg.connect(topics.server_dsn, autocommit=True) as connection:
            connection.execute(f"DROP ROLE {login}".encode())


def test_up_serves_the_api_and_ends_on_ctrl_c_with_its_data_kept(machine: TestDatabase) -> None:
    for _ in range(2):
        with running("api.cli", "--json", "up", "--port", "0") as child:
            assert child.stdout is not None
            told = json.loads(child.stdout.readline())
            assert told["books"] == ["main"]
            with urllib.request.urlopen(f"{told['url']}/v1/books") as answer:
                assert {book["book"] for book in json.load(answer)["books"]} == {"main", "system"}
            child.send_signal(signal.SIGINT)
            assert child.wait(PATIENCE_SECONDS) == 0


def test_up_reconciles_what_it_posts(machine: TestDatabase, tmp_path: Path) -> None:
    data: dict[str, object] = {"payment_id": "o1", "amount_minor": "10000", "currency": "BRL", "method": "card"}
    file = write(tmp_path / "events.ndjson", [event("c1", "payment.captured.v1", "o1", data, book="main")])
    with running("api.cli", "--json", "up", "--port", "0") as child:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
        assert ledgerctl("ingest", file, "--book", "main").code == 0
        found: list[dict[str, object]] = []
        while not found:
            assert child.poll() is None
            with urllib.request.urlopen(f"{told['url']}/v1/books/main/findings") as answer:
                found = json.load(answer)["findings"]
        assert [(one["code"], one["subject"]) for one in found] == [("ORDER_SUSPENSE_NOT_ZERO", "o1")]


def test_up_signs_checkpoints_while_a_key_is_set_and_tells_of_each(
    machine: TestDatabase, tmp_path: Path, signing_key: Path
) -> None:
    interval = {"LEDGER_SIGNING_KEY_FILE": str(signing_key), "LEDGER_SIGNING_INTERVAL_SECONDS": "1"}
    data: dict[str, object] = {"payment_id": "o1", "amount_minor": "10000", "currency": "BRL", "method": "card"}
    file = write(tmp_path / "events.ndjson", [event("c1", "payment.captured.v1", "o1", data, book="main")])
    with running("api.cli", "--json", "up", "--port", "0", **interval) as child:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
        assert ledgerctl("ingest", file, "--book", "main").code == 0
        while ledgerctl("proof", "create", "main", "1").code != 0:
            assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_SECONDS) == 0
    said = [json.loads(line) for line in (Path(told["logs"]) / "all.log").read_text().splitlines()]
    signed = [line["position"] for line in said if line["event"] == "checkpoint.signed" and line["book"] == "main"]
    shown = ledgerctl("checkpoint", "show", "main", "--all", "--json").json["checkpoints"]
    assert signed == [one["position"] for one in shown]
    assert said[-1]["event"] == "process.stopped"
    assert signing_key.read_text().strip().split("+", 4)[4] not in str(said)


def test_a_signer_of_its_own_counts_what_it_signs(topics: TestDatabase, signing_key: Path) -> None:
    assert ledgerctl("book", "create", "shop").code == 0
    settings = {"LEDGER_SIGNING_KEY_FILE": str(signing_key), "LEDGER_METRICS_PORT": "0"}
    with running("consumers.bootstrap", "signer", LEDGER_ALLOW_OWNER_LOGIN="true", **settings) as child:
        port = until_logged(child, "metrics.serving")["port"]
        until_logged(child, "checkpoint.signed")
        while b"ledger_checkpoints_signed_total 1.0" not in metrics_of(port):
            assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        until_logged(child, "process.stopped")
        assert child.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize("command", [("consumers.bootstrap", "signer"), ("api.cli", "up", "--port", "0")])
@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_signing_key_that_others_can_read_is_refused_by_the_name_of_its_setting(
    machine: TestDatabase, signing_key: Path, command: tuple[str, ...], mode: int
) -> None:
    signing_key.chmod(mode)
    with running(*command, LEDGER_ALLOW_OWNER_LOGIN="true", LEDGER_SIGNING_KEY_FILE=str(signing_key)) as child:
        _, said = child.communicate(timeout=PATIENCE_SECONDS)
    assert child.returncode == 5
    assert "LEDGER_SIGNING_KEY_FILE" in said
    assert f"{mode:04o}" in said
    assert "starting PostgreSQL" not in said
    assert signing_key.read_text().strip() not in said


def test_a_signer_without_a_key_does_not_start(machine: TestDatabase) -> None:
    with running("consumers.bootstrap", "signer", LEDGER_ALLOW_OWNER_LOGIN="true") as child:
        _, said = child.communicate(timeout=PATIENCE_SECONDS)
    assert child.returncode == 5
    assert "LEDGER_SIGNING_KEY_FILE: is not set" in said


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LEDGER_API_PORT", "70000"),
        ("LEDGER_API_POOL_SIZE", "many"),
        ("LEDGER_API_CURSOR_KEY", "short"),
        ("LEDGER_BATCH_MAX_EVENTS", "0"),
        ("LEDGER_SIGNING_INTERVAL_SECONDS", "0"),
    ],
)
def test_up_refuses_a_setting_that_cannot_be_before_it_starts_a_server(
    machine: TestDatabase, variable: str, value: str
) -> None:
    with running("api.cli", "up", **{variable: value}) as child:
        _, said = child.communicate(timeout=PATIENCE_SECONDS)
    assert child.returncode == 5
    assert variable in said
    assert "starting PostgreSQL" not in said


def test_up_listens_where_the_settings_say_and_where_its_option_says_rather(machine: TestDatabase) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with running("api.cli", "--json", "up", LEDGER_API_PORT=str(port)) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["url"].endswith(f":{port}")
        with running("api.cli", "--json", "up", "--port", "0", LEDGER_API_PORT=str(port)) as other:
            assert other.stdout is not None
            assert not json.loads(other.stdout.readline())["url"].endswith(f":{port}")


def test_up_refuses_an_address_that_others_can_reach(machine: TestDatabase) -> None:
    with running("api.cli", "--json", "up", "--port", "0", LEDGER_API_HOST="0.0.0.0") as child:
        _, said = child.communicate(timeout=PATIENCE_SECONDS)
    assert child.returncode == 5
    assert "LEDGER_API_HOST" in said


def test_nothing_is_left_behind_when_up_is_killed(machine: TestDatabase) -> None:
    with running("api.cli", "--json", "up", "--port", "0") as child:
        assert child.stdout is not None
        child.stdout.readline()
        workers = psutil.Process(child.pid).children(recursive=True)
        assert workers
        child.kill()
        child.wait(PATIENCE_SECONDS)
    assert wait_gone(workers, timeout_seconds=PATIENCE_SECONDS)


def test_up_says_so_when_a_process_dies(machine: TestDatabase) -> None:
    with running("api.cli", "--json", "up", "--port", "0", LEDGER_FAULT_KILL_AT="relay.read") as child:
        assert child.stdout is not None
        child.stdout.readline()
        _, said = child.communicate(timeout=PATIENCE_SECONDS)
    assert child.returncode == 1
    assert json.loads(said.splitlines()[-1])["error"]["code"] == "PROCESS_ENDED"
