"""Every form of what a parked event can wait for: whoever made it true was gone before it had the waiting decided.

The table is keyed by `Awaited`: a form that is added without a row fails here.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from consumers.bootstrap import database_decoder
from deploy.demo.messages import Message
from ledger_core.domain.awaited import NEVER_OVERDUE, Awaited, form_of
from ledger_core.domain.incoming import SYSTEM_BOOK
from ledger_core.store.batch import BatchResult
from ledger_core.store.books import Books
from ledger_core.store.connection import Role, connect
from ledger_core.store.overdue import Overdue
from ledger_core.store.poster import Poster
from schemas.events.registry import EVENT_TYPES
from tests.support.closed_years import FIRST, SECOND, periods_of, reopen
from tests.support.databases import create_database, drop_database
from tests.support.postings import CHART, Scene, captured, event, outcomes, paid_out, void_requested
from tests.support.story_books import into

pytestmark = pytest.mark.postgres

Step = Callable[[Scene, str], object]
SELLER, VAULT = "wallet:seller:1", "vault:1"
STRICT: dict[str, Any] = {**CHART, "marketplace": {"require_profiles": True}}


class Row(NamedTuple):
    """What waits, and who makes it true and is gone before healing it; in a book of the row's own."""

    form: Awaited
    says: str
    before: Step
    message: Message
    comes_true: Step
    becomes: str = "POSTED"


def nothing(_scene: Scene, _book: str) -> None:
    """It waits in any book."""


def in_force(chart: dict[str, Any]) -> Step:
    return lambda scene, book: scene.apply_chart(chart, book)


def without(section: str, name: str) -> Step:
    chart: dict[str, Any] = dict(CHART)
    return in_force({**chart, section: [row for row in chart[section] if name not in row.values()]})


def close_a_year(scene: Scene, book: str) -> None:
    periods_of(scene.dsn, book).close(FIRST, reason="year end", requested_by="ana")


def open_vault(scene: Scene, book: str) -> None:
    scene.accounts(book).open_account(VAULT, account_type="asset", currency="EUR")


def tell_profile(scene: Scene, book: str) -> None:
    tell(scene, book, VERIFIED)


def tell_verification(scene: Scene, book: str) -> None:
    tell(scene, book, event("verification.changed.v1", "c-1", "c-1", {"customer": "c-1", "status": "VERIFIED"}))


def tell(scene: Scene, book: str, notice: Message) -> None:
    with patch.object(Poster, "heal", lambda *_: BatchResult((), ())):
        assert outcomes(scene.post(into(book, notice))) == ["RECORDED"]


def funded(**asked: object) -> Step:
    """A transfer that was received, in a book that asks this before it settles."""

    def before(scene: Scene, book: str) -> None:
        scene.apply_chart({**CHART, "transfers": asked}, book)
        steps = [transfer("requested", amount_minor="5", currency="EUR"),
                 transfer("inflow.received", inflow_id="i", amount_minor="5", currency="EUR")]  # fmt: skip
        assert outcomes(scene.post(*(into(book, step) for step in steps))) == ["RECORDED", "POSTED"]

    return before


def transfer(which: str, **data: object) -> Message:
    return event(f"transfer.{which}.v1", "t-1", which, {"transfer_id": "t-1", **data})


def post(message: Message) -> Step:
    return lambda scene, book: scene.post(into(book, message))


def older_release(scene: Scene, _book: str) -> None:
    known = {name: schema for name, schema in EVENT_TYPES.items() if name != "payment.captured.v1"}
    with patch("consumers.decode.EVENT_TYPES", known):
        scene.decoder = database_decoder(scene.dsn)


def this_release(scene: Scene, _book: str) -> None:
    scene.decoder = database_decoder(scene.dsn)


PLAIN = captured("o-1", 10)
VOID = void_requested("o-1", of="e-1")
OF_CLOSED_YEAR = captured("o-1", 10, time="2019-06-01T00:00:00Z")
VERIFIED = event(
    "settlement_profile.updated.v1", SELLER, "profile-1",
    {"beneficiary": SELLER, "status": "VERIFIED", "rails": ["sepa"],
     "bank_account_ref": {"iban": "GE29NB0000000101904917"}},
)  # fmt: skip

SETTLED = transfer("settled", amount_minor="5", currency="EUR", to=SELLER, customer="c-1")
SWEEP = {"name": "daily", "from": SELLER, "to": "control:CASH", "currency": "EUR"}
SWEPT = event("sweep.requested.v1", "s-1", "s-1", {"sweep_id": "s-1", "rule": "daily", "currency": "EUR"})

ROWS = [
    Row(Awaited.ACCOUNT, "it opens", nothing, captured("o-1", to=VAULT), open_vault),
    Row(Awaited.ACCOUNT, "a chart lets it", without("templates", "wallet:seller:*"), PLAIN, in_force(dict(CHART))),
    Row(Awaited.ANNOUNCED, "a chart asks for no intent", in_force({**CHART, "payments": {"captures": "once"}}), PLAIN,
        in_force(dict(CHART))),
    Row(Awaited.BOOK, "it is there", nothing, captured("o", book="later"), lambda scene, _: scene.create_book("later")),
    Row(Awaited.CONTROL, "a chart has it", without("controls", "PROCESSOR_CLEARING"), PLAIN, in_force(dict(CHART))),
    Row(Awaited.PERIOD, "it reopens", close_a_year, OF_CLOSED_YEAR,
        lambda scene, book: reopen(periods_of(scene.dsn, book), FIRST)),
    Row(Awaited.PERIOD, "a chart moves what is late", close_a_year, OF_CLOSED_YEAR,
        in_force({**CHART, "late_events": "redirect"})),
    Row(Awaited.PROFILE, "it is verified", in_force(STRICT), PLAIN, tell_profile),
    Row(Awaited.PROFILE, "a chart asks for none", in_force(STRICT), PLAIN, in_force({**CHART, "marketplace": {}})),
    Row(Awaited.GATE, "a chart asks for fewer persons", funded(approvals=2), SETTLED, in_force(dict(CHART))),
    Row(Awaited.GATE, "a chart asks from a higher amount on", funded(approvals=2), SETTLED,
        in_force({**CHART, "transfers": {"approvals": 2, "approvals_from": {"EUR": "1000000"}}})),
    Row(Awaited.GATE, "a chart asks for no verdict", funded(monitoring="required"), SETTLED, in_force(dict(CHART))),
    Row(Awaited.VERIFICATION, "it is verified", funded(verification="required"), SETTLED, tell_verification),
    Row(Awaited.VERIFICATION, "a chart asks for none", funded(verification="required"), SETTLED,
        in_force(dict(CHART))),
    Row(Awaited.SWEEP, "a chart declares it", lambda scene, book: scene.post(into(book, PLAIN)), SWEPT,
        in_force({**CHART, "transfers": {"sweeps": [SWEEP]}})),
    Row(Awaited.SCHEMA, "a release knows it", older_release, PLAIN, this_release),
    Row(Awaited.VOUCHER, "it posts under another order key", nothing, VOID, post(captured("o-2", event_id="e-1")),
        "ORDER_KEY_DIFFERS"),
    Row(Awaited.VOUCHER, "it is refused under another order key", nothing, VOID,
        post(captured("o-2", -1, event_id="e-1")), "VOUCHER_UNKNOWN"),
    Row(Awaited.VOUCHER, "it waits under another order key", nothing, VOID,
        post(captured("o-2", to=VAULT, event_id="e-1")), "ORDER_KEY_DIFFERS"),
]  # fmt: skip


@pytest.fixture(scope="module")
def scene(postgres_server: str) -> Iterator[Scene]:
    """One ledger for all rows; it must be whole after them."""
    database = create_database(postgres_server)
    try:
        with Scene(database.dsn()) as scene:
            yield scene
            scene.assert_whole()
    finally:
        drop_database(database)


def said(result: BatchResult) -> list[str]:
    return [decided.code or decided.outcome.value for _, decided in result.healed]


def test_every_form_that_can_be_overdue_has_its_rows() -> None:
    assert {row.form for row in ROWS} == set(Awaited) - NEVER_OVERDUE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.form.name}: {row.says}")
def test_what_came_true_when_nobody_healed_is_overdue_and_was_not_before(row: Row, scene: Scene) -> None:
    book = f"book-{ROWS.index(row)}"
    scene.create_book(book)
    row.before(scene, book)
    scene.post(row.message if row.form is Awaited.BOOK else into(book, row.message))
    waits_for = scene.one(
        """SELECT waits_for FROM ledger.dead_letter JOIN ledger.book USING (book_id)
        WHERE book.code = %s AND resolved_position IS NULL""",
        SYSTEM_BOOK if row.form is Awaited.BOOK else book,
    )
    assert form_of(waits_for) is row.form
    poster = scene.worker().poster
    assert said(poster.heal_overdue()) == []
    row.comes_true(scene, book)
    again = scene.worker().poster if row.form is Awaited.SCHEMA else poster
    assert said(again.heal_overdue()) == [row.becomes]
    assert said(again.heal_overdue()) == []


def test_what_goes_on_waiting_is_not_woken(scene: Scene) -> None:
    book = "patient"
    scene.create_book(book)
    close_a_year(scene, book)
    periods = periods_of(scene.dsn, book)
    scene.apply_chart({**STRICT, "controls": STRICT["controls"][1:]}, book)
    waiting = [captured("o-1", to=VAULT, time="2018-06-01T00:00:00Z"), paid_out("p-1", 10, of=VAULT), captured("o-2")]
    scene.post(*(into(book, message) for message in waiting))
    with connect(scene.dsn, Role.POSTER) as connection:
        overdue = Overdue(connection, Books(connection), scene.decoder.decode)
        assert overdue.come_true() == []
        periods.close(SECOND, reason="year end", requested_by="ana")
        reopen(periods, SECOND)
        assert overdue.come_true() == []
