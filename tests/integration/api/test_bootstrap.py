"""The query API as a process has it: settings in, a URL out."""

import io
import json
import logging
import socket
from pathlib import Path

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from api.query.bootstrap import ApiStartError, json_log, serving
from api.query.settings import QuerySettings
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import PostedLedger


def settings(database: TestDatabase, **values: object) -> QuerySettings:
    return QuerySettings.model_validate({"postgres_dsn": SecretStr(database.dsn()), "api_port": 0, **values})


def test_it_serves_on_the_url_that_it_gives_and_stops_with_its_context(database: TestDatabase) -> None:
    with serving(settings(database)) as url:
        assert httpx.get(f"{url}/readyz").json() == {"ready": True}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/readyz")


def test_cursors_outlive_a_restart_when_their_key_is_kept(
    shop: PostedLedger, database: TestDatabase, tmp_path: Path
) -> None:
    kept = settings(database, api_cursor_key_file=tmp_path / "cursor.key")
    with serving(kept) as url:
        link = httpx.get(f"{url}/v1/books/shop/accounts?limit=1").links["next"]["url"]
    with serving(kept) as url:
        assert httpx.get(f"{url}{link}").status_code == 200
    with serving(settings(database)) as url:
        assert httpx.get(f"{url}{link}").json()["code"] == "CURSOR_INVALID"


def test_a_port_that_is_taken_is_said_with_what_to_do(database: TestDatabase) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ApiStartError, match="LEDGER_API_PORT"), serving(settings(database, api_port=port)):
            pytest.fail("the port is taken")


def test_a_running_api_comes_back_by_itself_when_the_store_does(shop: PostedLedger, database: TestDatabase) -> None:
    with serving(settings(database)) as url:
        assert httpx.get(f"{url}/v1/books/shop").status_code == 200
        end_readers(database)
        assert httpx.get(f"{url}/v1/books/shop").status_code == 200


def test_what_fails_inside_is_logged_under_its_request_id_with_secrets_masked(
    shop: PostedLedger, database: TestDatabase
) -> None:
    lines = io.StringIO()
    log = json_log(lines, logging.WARNING)
    with psycopg.connect(database.dsn()) as admin:
        admin.execute("DROP VIEW read.voucher CASCADE")
    with serving(settings(database), log=log) as url:
        path = "/v1/books/shop/vouchers/1"
        answer = httpx.get(f"{url}{path}", headers={"X-Request-Id": "find-me"})
        assert answer.json()["code"] == "INTERNAL_ERROR"
        log.warning("test", dsn="postgresql://someone:hunter2@host/db", card="4111 1111 1111 1111")
    failed, masked = (json.loads(line) for line in lines.getvalue().splitlines())
    assert (failed["event"], failed["request_id"], failed["path"]) == ("http.failed", "find-me", path)
    assert failed["error"].startswith("UndefinedTable: ")
    assert "Traceback" in failed["exception"]
    assert "hunter2" not in str(masked)
    assert "4111" not in str(masked)


def end_readers(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn()) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'ledger-queries' AND datname = current_database()"
        )
