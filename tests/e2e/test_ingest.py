"""`ledgerctl ingest`: one outcome a line; a repeat changes nothing; bad lines are refused one by one."""

from pathlib import Path

import psycopg
import pytest

from tests.support.command_line import Ended, ledgerctl
from tests.support.databases import TestDatabase
from tests.support.event_lines import authorized, captured, event, refunded, write

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def book(machine: TestDatabase) -> None:
    assert ledgerctl("book", "create", "shop", "--reason", "test").code == 0


def outcomes(ended: Ended) -> list[str]:
    return [line["outcome"] for line in ended.lines]


def test_each_line_gets_one_outcome_with_its_place_in_the_books(tmp_path: Path) -> None:
    file = write(tmp_path / "events.ndjson", [authorized("o1"), captured("o1"), refunded("o1", "4000")])
    ended = ledgerctl("--json", "ingest", file, "--book", "shop")
    assert ended.code == 0
    assert outcomes(ended) == ["RECORDED", "POSTED", "POSTED"]
    assert [line["line"] for line in ended.lines] == [1, 2, 3]
    assert [line["voucher_no"] for line in ended.lines] == [None, 1, 2]
    assert [line["event_id"] for line in ended.lines][1] == "payment-capture-o1"
    assert {line["book"] for line in ended.lines} == {"shop"}


def test_a_repeat_starts_at_the_first_line_and_replays_each(tmp_path: Path) -> None:
    file = write(tmp_path / "events.ndjson", [captured("o1"), b"nonsense", captured("o1"), captured("o1", "7")])
    first = ledgerctl("ingest", file, "--json")
    assert outcomes(first) == ["POSTED", "REJECTED", "REPLAYED", "REJECTED"]
    for _ in range(2):
        again = ledgerctl("ingest", file, "--json")
        assert again.code == 0
        assert outcomes(again) == ["REPLAYED"] * 4
        assert [line["original"] for line in again.lines] == ["POSTED", "REJECTED", "POSTED", "REJECTED"]
        assert [line["position"] for line in again.lines[:2]] == [line["position"] for line in first.lines[:2]]
        assert [line["voucher_no"] for line in again.lines] == [1, None, 1, None]
        assert [line["code"] for line in again.lines] == ["", "NOT_JSON", "", "IDEMPOTENCY_CONFLICT"]
    assert ledgerctl("--json", "trial-balance", "--book", "shop").json["trial_balance"] == {"BRL": 0}


def test_the_same_events_in_another_file_are_replayed_too(tmp_path: Path) -> None:
    ledgerctl("ingest", write(tmp_path / "a.ndjson", [captured("o1")]), "--json")
    other = ledgerctl("ingest", write(tmp_path / "b.ndjson", [captured("o2"), captured("o1")]), "--json")
    assert outcomes(other) == ["POSTED", "REPLAYED"]


def test_an_event_of_another_book_is_refused(tmp_path: Path) -> None:
    ledgerctl("book", "create", "other")
    file = write(tmp_path / "events.ndjson", [captured("o1", book="other"), captured("o2")])
    ended = ledgerctl("ingest", file, "--book", "shop", "--json")
    assert ended.code == 0
    assert [line["code"] for line in ended.lines] == ["BOOK_MISMATCH", ""]
    without = ledgerctl("ingest", file, "--json")
    assert outcomes(without) == ["POSTED", "REPLAYED"]


def test_each_run_decides_by_its_own_book_what_is_of_another(tmp_path: Path) -> None:
    ledgerctl("book", "create", "other")
    file = write(tmp_path / "events.ndjson", [captured("o1", book="nowhere")])
    runs = [("--book", "shop"), (), ("--book", "shop"), ("--book", "other"), ()]
    lines = [ledgerctl("ingest", file, *book, "--json").lines[0] for book in runs]
    assert [(line["outcome"], line["code"]) for line in lines] == [
        ("REJECTED", "BOOK_MISMATCH"),
        ("PARKED", "BOOK_UNKNOWN"),
        ("REPLAYED", "BOOK_MISMATCH"),
        ("REJECTED", "BOOK_MISMATCH"),
        ("REPLAYED", "BOOK_UNKNOWN"),
    ]


def test_events_of_a_book_that_is_created_later_are_decided_then(tmp_path: Path) -> None:
    lines = [captured("o1", book="late"), refunded("o1", "4000", book="late"), captured("o2", "0", book="late")]
    file = write(tmp_path / "events.ndjson", lines)
    assert outcomes(ledgerctl("ingest", file, "--json")) == ["PARKED"] * 3
    created = ledgerctl("book", "create", "late", "--json")
    assert created.json["healed"] == 3
    shown = ledgerctl("event", "show", "payment-refund-o1", "--source", "/shop/payments", "--book", "late", "--json")
    assert shown.json["outcome"] == "POSTED"
    assert outcomes(ledgerctl("ingest", file, "--json")) == ["REPLAYED"] * 3


def test_the_last_line_needs_no_newline_and_an_empty_file_is_fine(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(captured("o1"))
    assert outcomes(ledgerctl("ingest", str(file), "--json")) == ["POSTED"]
    file.write_bytes(b"")
    empty = ledgerctl("ingest", str(file), "--json")
    assert (empty.code, empty.out) == (0, "")


def test_a_refund_before_its_capture_is_parked_and_posted_by_it(tmp_path: Path) -> None:
    early = ledgerctl("ingest", write(tmp_path / "a.ndjson", [refunded("o1")]), "--json")
    assert [(one["outcome"], one["code"]) for one in early.lines] == [("PARKED", "PREDECESSOR_ABSENT")]
    late = ledgerctl("ingest", write(tmp_path / "b.ndjson", [captured("o1")]))
    assert late.code == 0
    assert "1 parked" in late.err
    shown = ledgerctl("event", "show", "payment-refund-o1", "--source", "/shop/payments", "--book", "shop", "--json")
    assert [revision["outcome"] for revision in shown.json["event"]["revisions"]] == ["PARKED", "POSTED"]


def test_a_run_that_was_cut_short_is_completed_by_the_next(machine: TestDatabase, tmp_path: Path) -> None:
    """The first half is in, as a killed run leaves it: the source row stands in the middle of the file."""
    lines = [captured(f"o{number}") for number in range(1_500)]
    whole = write(tmp_path / "whole.ndjson", lines)
    with psycopg.connect(machine.dsn(), autocommit=True) as connection:
        connection.execute(
            """CREATE FUNCTION ledger.cut_short() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN IF NEW.next_offset > 1000 THEN RAISE EXCEPTION 'cut short' USING ERRCODE = '57014'; END IF;
               RETURN NEW; END $$"""
        )
        connection.execute(
            """CREATE TRIGGER cut_short BEFORE UPDATE ON ledger.source_position FOR EACH ROW
               EXECUTE FUNCTION ledger.cut_short()"""
        )
        cut = ledgerctl("ingest", whole, "--json")
        connection.execute("DROP TRIGGER cut_short ON ledger.source_position")
        connection.execute("DROP FUNCTION ledger.cut_short")
    assert cut.code != 0
    assert outcomes(cut) == ["POSTED"] * 1_000
    again = ledgerctl("ingest", whole, "--json")
    assert outcomes(again) == ["REPLAYED"] * 1_000 + ["POSTED"] * 500


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    ended = ledgerctl("--json", "ingest", str(tmp_path / "missing.ndjson"))
    assert ended.code == 1
    assert ended.error["code"] == "FILE_UNREADABLE"
    assert ended.out == ""


def test_people_see_words_and_programs_see_data(tmp_path: Path) -> None:
    file = write(tmp_path / "events.ndjson", [captured("o1"), b"bad"])
    ended = ledgerctl("ingest", file)
    assert ended.code == 0
    assert "POSTED" in ended.out
    assert "NOT_JSON" in ended.out
    assert "1 posted, 1 rejected" in ended.err


def test_a_voucher_of_a_thousand_lines_posts_and_one_more_is_refused(tmp_path: Path) -> None:
    def voucher(lines: int) -> bytes:
        drawn = [{"account": "control:CASH", "side": "debit", "amount_minor": str(lines - 1), "currency": "BRL"}]
        drawn += [
            {"account": f"wallet:seller:{n}", "side": "credit", "amount_minor": "1", "currency": "BRL"}
            for n in range(lines - 1)
        ]
        return event(f"v-{lines}", "voucher.requested.v1", f"v-{lines}", {"kind": "payout", "lines": drawn})

    ended = ledgerctl("ingest", write(tmp_path / "long.ndjson", [voucher(1_000), voucher(1_001)]), "--json")
    assert outcomes(ended) == ["POSTED", "REJECTED"]
    assert ended.lines[1]["code"] == "DATA_INVALID"
    assert "1000" in ended.lines[1]["detail"]


def test_a_file_stops_behind_a_full_queue_by_name_and_goes_on_once_it_has_drained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger_core.store.exact.MAX_PARKED", 5)
    early = [
        event(f"r-{n}", "payment.refunded.v1", "o1", {
            "payment_id": "o1", "refund_id": f"r-{n}", "amount_minor": "100", "currency": "BRL",
            "beneficiaries": [{"account": "wallet:seller:1", "amount_minor": "100"}],
        })
        for n in range(6)
    ]  # fmt: skip
    file = write(tmp_path / "events.ndjson", [captured("o0"), *early, captured("o2")])
    for done in (["POSTED"], ["REPLAYED"]):
        stopped = ledgerctl("ingest", file, "--json")
        assert stopped.code == 1
        assert stopped.error["code"] == "ORDER_KEY_QUEUE_FULL"
        assert "'o1'" in stopped.error["message"]
        assert "ledgerctl parked" in stopped.error["next"]
        assert outcomes(stopped) == done + ["PARKED" if done == ["POSTED"] else "REPLAYED"] * 5
    assert ledgerctl("event", "validate", file, "--json").error["code"] == "ORDER_KEY_QUEUE_FULL"
    assert ledgerctl("ingest", write(tmp_path / "first.ndjson", [captured("o1")])).code == 0
    assert outcomes(ledgerctl("ingest", file, "--json"))[-2:] == ["POSTED", "POSTED"]
