"""`ledgerctl import`: a dry run first, then vouchers by the path of every event; a repeat posts nothing."""

import json
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from tests.support.command_line import Ended, ledgerctl
from tests.support.databases import TestDatabase
from tests.support.judges import programs_of

pytestmark = pytest.mark.postgres

BOOKS = Path(__file__).parent / "books"
OPENING = BOOKS / "opening.csv"
WHY = ("--reason", "moved")

JANUARY = {
    "Assets:Bank:USD": 69_300, "Assets:Vault:EUR": 10_000, "Equity:Owner:USD": -100_000,
    "Expenses:Rent:USD": 25_000, "Income:Sales:USD": -5_100, "trading:USD": 10_800, "trading:EUR": -10_000,
}  # fmt: skip
BUDGET = {"Budget:Rent:USD": 30_000, "equity:virtual:USD": -30_000}
JOURNALS = {
    "shop.journal": (("--type", "Budget=asset"), JANUARY | BUDGET),
    "shop.ledger": (("--type", "Budget=asset", "--commodity", "$=USD"), JANUARY | BUDGET),
    "shop.beancount": ((), JANUARY),
}


@pytest.fixture(autouse=True)
def book(machine: TestDatabase) -> None:
    assert ledgerctl("book", "create", "shop").code == 0


def imported(command: str, file: Path, *options: str, book: str = "shop") -> Ended:
    return ledgerctl("import", command, book, str(file), *WHY, *options, "--json")


def written(tmp_path: Path, name: str, text: str) -> Path:
    file = tmp_path / name
    file.write_text(text)
    return file


def balances(book: str = "shop") -> dict[str, int]:
    """Debits less credits in minor units; accounts that hold nothing are left out."""
    found = ledgerctl("account", "list", "--book", book, "--limit", "1000", "--json").json["accounts"]
    signed = {each["code"]: each["balance"] for each in found}
    return {
        code: int(balance["amount_minor"]) * (-1 if balance["side"] == "credit" else 1)
        for code, balance in signed.items()
        if balance["amount_minor"] != "0"
    }


def sums(book: str) -> Counter[tuple[str, int]]:
    """How often each balance in each currency is held."""
    found = ledgerctl("account", "list", "--book", book, "--limit", "1000", "--json").json["accounts"]
    return Counter((each["currency"], signed) for each in found if (signed := balances(book).get(each["code"], 0)))


def log(database: TestDatabase) -> list[str]:
    """Types of the events of all books, in the order of their positions."""
    with psycopg.connect(database.dsn()) as connection:
        return [kind for (kind,) in connection.execute("SELECT type FROM ledger.event ORDER BY book_id, position")]


# ---------------------------------------------------------------------------------------------- opening balances
def test_opening_balances_are_posted_once_after_a_dry_run_that_writes_nothing(machine: TestDatabase) -> None:
    before = log(machine)
    dry = imported("opening", OPENING)
    assert (dry.code, dry.json["applied"], dry.json["vouchers"]) == (0, False, 4)
    assert log(machine) == before
    first = imported("opening", OPENING, "--apply")
    assert (first.code, first.json["outcomes"], first.json["not_posted"]) == (0, {"POSTED": 4}, [])
    held = {
        "cash:bank:BRL": 100_000, "wallet:seller:1": -40_000, "wallet:seller:2": -30_000, "till:tokyo": 5,
        "equity:opening:BRL": -30_000, "equity:opening:JPY": -5,
    }  # fmt: skip
    assert balances() == held
    after = log(machine)
    again = imported("opening", OPENING, "--apply")
    assert (again.code, again.json["outcomes"], again.json["vouchers"]) == (0, {"REPLAYED": 4}, 0)
    assert (log(machine), balances()) == (after, held)


def test_the_log_says_why_before_the_first_voucher(machine: TestDatabase) -> None:
    imported("opening", OPENING, "--apply")
    assert log(machine).index("import.started") < log(machine).index("voucher.posted")
    with psycopg.connect(machine.dsn()) as connection:
        row = connection.execute("SELECT state FROM ledger.event WHERE type = 'import.started'").fetchone()
        cause = connection.execute("SELECT state FROM ledger.event WHERE type = 'voucher.posted'").fetchone()
    assert row is not None
    assert cause is not None
    said = json.loads(row[0])
    assert (said["reason"], said["source"], said["vouchers"]) == ("moved", "import:opening", 4)
    assert json.loads(cause[0])["cause"][0] == said["topic"]


def test_a_file_that_has_grown_posts_its_new_rows_and_another_amount_is_a_conflict(tmp_path: Path) -> None:
    imported("opening", OPENING, "--apply")
    grown = written(tmp_path, "grown.csv", OPENING.read_text() + "wallet:seller:3,liability,credit,700,BRL\n")
    assert imported("opening", grown, "--apply").json["outcomes"] == {"REPLAYED": 4, "POSTED": 1}
    changed = written(tmp_path, "changed.csv", OPENING.read_text().replace("40000", "40001"))
    assert imported("opening", grown).json["conflicts_on_lines"] == []
    assert imported("opening", changed).json["conflicts_on_lines"] == [3]
    ended = imported("opening", changed, "--apply")
    assert (ended.code, ended.error["code"]) == (1, "IMPORT_INCOMPLETE")
    (refused,) = ended.json["not_posted"]
    assert (refused["line"], refused["code"]) == (3, "IDEMPOTENCY_CONFLICT")
    assert balances()["wallet:seller:1"] == -40_000


def test_every_bad_row_is_listed_and_nothing_is_written(machine: TestDatabase, tmp_path: Path) -> None:
    before = log(machine)
    bad = written(tmp_path, "bad.csv", OPENING.read_text() + "till:1,asset,debit,1.5,JPY\ntill:2,cash,debit,1,JPY\n")
    ended = imported("opening", bad, "--apply")
    assert (ended.code, ended.error["code"]) == (1, "IMPORT_INVALID")
    assert [fault["line"] for fault in ended.json["faults"]] == [6, 7]
    unbalanced = imported("opening", OPENING, "--balanced", "--apply")
    assert (unbalanced.code, unbalanced.error["code"]) == (1, "IMPORT_UNBALANCED")
    assert log(machine) == before


def test_an_account_of_the_book_that_differs_is_named_by_its_line(tmp_path: Path) -> None:
    ledgerctl("account", "open", "till:tokyo", "--book", "shop", "--type", "liability", "--currency", "JPY")
    ended = imported("opening", OPENING, "--apply")
    assert ended.json["faults"] == [
        {"line": 5, "text": "account till:tokyo: asset in JPY here, liability in JPY in the book"}
    ]
    ledgerctl("account", "open", "vault", "--book", "shop", "--type", "asset", "--currency", "JPY")
    ledgerctl("account", "freeze", "vault", "--book", "shop", "--reason", "count")
    frozen = written(tmp_path, "frozen.csv", OPENING.read_text().replace("till:tokyo", "vault"))
    assert imported("opening", frozen).json["faults"] == [{"line": 5, "text": "account vault is frozen"}]


def test_what_waits_for_a_closed_period_is_said_and_the_rest_is_posted(tmp_path: Path) -> None:
    imported("opening", OPENING, "--apply", "--effective", "2026-01-01")
    closed = ledgerctl("period", "close", "shop", "--through", "2026-01-31", *WHY, "--apply", "--json")
    assert closed.code == 0, closed.err
    late = written(tmp_path, "late.csv", OPENING.read_text() + "till:late,asset,debit,700,BRL\n")
    ended = imported("opening", late, "--apply", "--effective", "2026-01-01")
    assert (ended.code, ended.error["code"]) == (1, "IMPORT_INCOMPLETE")
    assert ended.json["outcomes"] == {"REPLAYED": 4, "PARKED": 1}
    assert [(one["line"], one["code"]) for one in ended.json["not_posted"]] == [(6, "PERIOD_CLOSED")]


# ------------------------------------------------------------------------------------------------------- journals
@pytest.mark.parametrize("name", JOURNALS)
def test_a_journal_becomes_vouchers_whose_balances_are_those_of_its_program(name: str, machine: TestDatabase) -> None:
    options, held = JOURNALS[name]
    dry = imported("journal", BOOKS / name, *options)
    assert (dry.code, dry.json["vouchers"], balances()) == (0, 5, {})
    first = imported("journal", BOOKS / name, *options, "--apply")
    assert (first.code, first.json["outcomes"]) == (0, {"POSTED": 5}), first.err
    assert balances() == held
    after = log(machine)
    again = imported("journal", BOOKS / name, *options, "--apply")
    assert (again.code, again.json["outcomes"]) == (0, {"REPLAYED": 5})
    assert (log(machine), balances()) == (after, held)


def test_a_transaction_that_is_mapped_otherwise_the_second_time_is_refused(tmp_path: Path) -> None:
    options, held = JOURNALS["shop.ledger"]
    imported("journal", BOOKS / "shop.ledger", *options, "--apply")
    ended = imported("journal", BOOKS / "shop.ledger", *options, "--commodity", "EUR=GBP", "--apply")
    assert (ended.code, ended.json["outcomes"]) == (1, {"REPLAYED": 4, "REJECTED": 1})
    assert [(one["line"], one["code"]) for one in ended.json["not_posted"]] == [(16, "IDEMPOTENCY_CONFLICT")]
    assert balances() == held


def test_a_voucher_says_where_in_the_journal_it_came_from_and_what_it_is() -> None:
    imported("journal", BOOKS / "shop.journal", *JOURNALS["shop.journal"][0], "--apply")
    shown = ledgerctl("voucher", "show", "1", "--book", "shop", "--json").json["voucher"]
    assert (shown["kind"], shown["effective_at"]) == ("transfer", "2026-01-02T00:00:00.000000Z")
    assert shown["cause"]["offset"] == 6  # the seventh line


@pytest.mark.parametrize(
    ("name", "line", "word"),
    [
        ("bad.journal", "include other.journal", "include"),
        ("bad.journal", "~ monthly", "~"),
        ("bad.journal", "= expenses:gift", "="),
        ("bad.ledger", "apply account home", "apply"),
        ("bad.ledger", "define x=1", "define"),
        ("bad.beancount", "2026-01-01 pad Assets:Bank Equity:Owner", "pad"),
        ('bad.beancount', 'include "other.beancount"', "include"),
        ('bad.beancount', 'plugin "beancount.plugins.auto"', "plugin"),
        ('bad.beancount', "pushtag #trip", "pushtag"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_named_with_its_line(name: str, line: str, word: str, tmp_path: Path) -> None:
    file = written(tmp_path, name, f"; first\n{line}\n")
    ended = imported("journal", file, "--apply")
    assert (ended.code, ended.error["code"]) == (1, "IMPORT_INVALID")
    (fault,) = ended.json["faults"]
    assert fault["line"] == 2
    assert word in fault["text"]
    drawn = ledgerctl("import", "journal", "shop", str(file), *WHY)
    assert fault["text"] in drawn.out
    assert f"{file}, line 2: {fault['text']}" in drawn.err
    assert balances() == {}


def test_assets_of_a_journal_are_added_when_asked_and_an_interrupted_import_goes_on(tmp_path: Path) -> None:
    shares = written(
        tmp_path,
        "shares.journal",
        "2026-01-01 a\n  Assets:A  1.250 ACME @ 4 USD\n  Assets:Bank\n\n"
        "2026-01-02 b\n  Assets:A  1 ACME @ 4 USD\n  Assets:Bank\n",
    )
    refused = imported("journal", shares, "--apply")
    assert (refused.code, [fault["line"] for fault in refused.json["faults"]]) == (1, [2])
    ledgerctl("asset", "add", "ACME", "--scale", "3", "--name", "Acme", *WHY)
    assert imported("journal", shares, "--add-assets").json["assets_to_add"] == {}
    half = written(tmp_path, "half.journal", shares.read_text().partition("\n\n")[0] + "\n")
    assert imported("journal", half, "--apply").json["outcomes"] == {"POSTED": 1}
    assert imported("journal", shares, "--apply").json["outcomes"] == {"REPLAYED": 1, "POSTED": 1}
    assert balances()["Assets:A:ACME"] == 2_250


def test_an_import_that_was_cut_short_is_completed_by_the_next(machine: TestDatabase, tmp_path: Path) -> None:
    sales = "".join(f"2026-01-02 sale {number}\n  Assets:Till  1 USD\n  Income:Sales\n\n" for number in range(1_500))
    file = written(tmp_path, "sales.journal", sales)
    with psycopg.connect(machine.dsn(), autocommit=True) as connection:
        connection.execute(CUT_SHORT)
        connection.execute(
            """CREATE TRIGGER cut_short BEFORE UPDATE ON ledger.source_position FOR EACH ROW
               EXECUTE FUNCTION ledger.cut_short()"""
        )
        cut = imported("journal", file, "--apply")
        connection.execute("DROP TRIGGER cut_short ON ledger.source_position")
        connection.execute("DROP FUNCTION ledger.cut_short")
    assert (cut.code, cut.out) == (5, "")  # the database stopped it: not ready
    held = balances()["Assets:Till:USD"]
    assert 0 < held < 150_000
    again = imported("journal", file, "--apply")
    assert again.json["outcomes"] == {"REPLAYED": held // 100, "POSTED": 1_500 - held // 100}
    assert balances() == {"Assets:Till:USD": 150_000, "Income:Sales:USD": -150_000}


CUT_SHORT = """
CREATE FUNCTION ledger.cut_short() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.next_offset > 5000 THEN RAISE EXCEPTION 'cut short' USING ERRCODE = '57014'; END IF; RETURN NEW; END $$
"""


# ----------------------------------------------------------------------------------------------- who may, and words
def test_a_book_whose_policy_says_no_is_not_touched(machine: TestDatabase, tmp_path: Path) -> None:
    chart = json.loads((Path(__file__).parents[2] / "schemas" / "charts" / "marketplace.json").read_text())
    chart["sources"] = [{"source": "import:journal", "types": ["voucher.*"]}]
    file = written(tmp_path, "chart.json", json.dumps(chart))
    assert ledgerctl("book", "create", "strict", "--chart", str(file)).code == 0
    before = log(machine)
    row = '{"source": "import:opening", "types": ["voucher.requested.v1"], "through": "ingest"}'
    for options in ((), ("--apply",)):
        ended = imported("opening", OPENING, *options, book="strict")
        assert (ended.code, ended.error["code"], ended.out) == (1, "SOURCE_NOT_ALLOWED", "")
        assert row in ended.error["next"]
    assert log(machine) == before
    assert imported("journal", BOOKS / "shop.beancount", "--apply", book="strict").json["outcomes"] == {"POSTED": 5}
    chart["sources"].append(json.loads(row))
    written(tmp_path, "chart.json", json.dumps(chart))
    assert ledgerctl("chart", "apply", "strict", str(file), *WHY, "--apply").code == 0
    assert imported("opening", OPENING, "--apply", book="strict").json["outcomes"] == {"POSTED": 4}


def test_what_is_not_understood_is_said_before_anything_is_read(tmp_path: Path) -> None:
    assert ledgerctl("import", "opening", "shop", str(OPENING)).code == 2
    assert ledgerctl("import", "journal", "shop", str(OPENING), *WHY).code == 2
    assert imported("journal", BOOKS / "shop.journal", "--type", "Budget=box").code == 2
    assert imported("journal", BOOKS / "shop.journal", "--commodity", "USD").code == 2
    assert imported("opening", OPENING, "--effective", "1.1.2026").code == 2
    assert imported("opening", OPENING, "--reason", " ").error["code"] == "REASON_MISSING"
    assert imported("opening", OPENING, book="nowhere").error["code"] == "BOOK_UNKNOWN"
    assert imported("opening", tmp_path / "missing.csv").error["code"] == "FILE_UNREADABLE"
    latin = tmp_path / "latin.csv"
    latin.write_bytes(b"account\n\xe9")
    assert "line 2 is not UTF-8" in imported("opening", latin).error["message"]


def test_people_see_what_would_be_done_in_words(tmp_path: Path) -> None:
    dry = ledgerctl("import", "opening", "shop", str(OPENING), *WHY)
    assert dry.code == 0
    assert "accounts to open" in dry.out
    assert "BRL 170000, JPY 5" in dry.out
    assert "a dry run" in dry.err


# --------------------------------------------------------------------------------------------------------- judges
def test_hledger_agrees_on_every_balance_of_an_imported_book() -> None:
    programs_of("hledger")
    imported("journal", BOOKS / "shop.journal", *JOURNALS["shop.journal"][0], "--apply")
    judged = ledgerctl("verify", "--against", "hledger", "--book", "shop", "--json")
    assert judged.code == 0, judged.out
    (judgement,) = judged.json["judgements"]
    assert (judgement["ok"], judgement["accounts"], judgement["vouchers"]) == (True, 9, 5)


@pytest.mark.parametrize("name", ["hledger", "ledger", "beancount"])
def test_an_exported_book_is_imported_with_the_same_balances_in_the_same_units(name: str, tmp_path: Path) -> None:
    imported("opening", OPENING, "--apply")
    imported("journal", BOOKS / "shop.beancount", "--apply")
    out = tmp_path / "export.txt"
    assert ledgerctl("export", "shop", "--format", name, "--out", str(out)).code == 0
    assert ledgerctl("book", "create", "copy").code == 0
    copied = imported("journal", out, "--format", name, "--apply", book="copy")
    assert (copied.code, copied.json["outcomes"]) == (0, {"POSTED": 9}), (copied.out, copied.err)
    if name != "beancount":  # it has a grammar of its own for names
        suffix = {"till:tokyo": "JPY"}
        named = {f"{code}:{suffix.get(code) or currency_of(code)}": held for code, held in balances().items()}
        assert balances("copy") == named
    assert sums("copy") == sums("shop")


def currency_of(code: str) -> str:
    return code[-3:] if code[-3:].isupper() else "BRL"
