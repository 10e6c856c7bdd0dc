"""What the database itself refuses of holds, whoever writes: each thing tried in raw SQL."""

from collections.abc import Iterator

import pytest
from psycopg import errors

from ledger_core.store.connection import Role
from tests.support.databases import TestDatabase, create_database, drop_database
from tests.support.hands import WRITERS, acting_as, new_account
from tests.support.posted_ledger import PostedLedger, holds

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def held(postgres_server: str) -> Iterator[TestDatabase]:
    """Holds, and one that is due. All that is tried here is refused or rolled back: one database serves all."""
    database = create_database(postgres_server)
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        ledger.post(holds())
    yield database
    drop_database(database)


HOLDER = "account_id = (SELECT account_id FROM ledger.account WHERE code = 'wallet:seller:a')"
HEAD = f"UPDATE ledger.account_head SET {{}} WHERE {HOLDER}"
HOLD = "UPDATE ledger.hold SET {} WHERE hold_id = '{}'"
PLACED = f"""
INSERT INTO ledger.hold (book_id, hold_id, account_id, asset_id, side, amount_minor, placed_position, captured_minor)
SELECT 1, 'h-new', account_id, asset_id, {{}} FROM ledger.account WHERE {HOLDER}"""


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize(
    "statement",
    [
        PLACED.format("'D', 100, 1, 0"),
        HEAD.format("debits_pending = debits_pending + 1, credits_pending = 7"),
        HOLD.format("captured_minor = 104, status = 'CAPTURED', closed_position = 1000", "h-part"),
        HOLD.format("released_minor = 40, status = 'EXPIRED', closed_position = 1000", "h-part"),
    ],
)
def test_what_a_posting_writes_is_taken(role: Role | None, statement: str, held: TestDatabase) -> None:
    with acting_as(held, role) as connection:
        assert connection.execute(statement).rowcount == 1


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        pytest.param(HEAD.format("debits_pending = -1"), "debits_pending", id="less than nothing is held"),
        pytest.param(HEAD.format("credits_pending = -1"), "credits_pending", id="less than nothing, on credit"),
        pytest.param(HEAD.format("status = 'C'"), "CLOSING_REFUSED", id="an account closes with open holds"),
        pytest.param(
            HOLD.format("captured_minor = 106, status = 'CAPTURED', closed_position = 1000", "h-part"),
            "hold_not_exceeded",
            id="captured beyond the tolerance",
        ),
        pytest.param(
            HOLD.format("captured_minor = 101, status = 'CAPTURED', closed_position = 1000", "h-placed"),
            "hold_not_exceeded",
            id="captured beyond the hold",
        ),
        pytest.param(HOLD.format("captured_minor = 59", "h-part"), "HOLD_REFUSED", id="a capture is taken back"),
        pytest.param(HOLD.format("amount_minor = 200", "h-part"), "HOLD_REFUSED", id="the amount changes"),
        pytest.param(HOLD.format("tolerance_bps = 10000", "h-part"), "HOLD_REFUSED", id="the tolerance changes"),
        pytest.param(HOLD.format("expires_at = now()", "h-part"), "HOLD_REFUSED", id="the expiry changes"),
        pytest.param(HOLD.format("side = 'C'", "h-part"), "HOLD_REFUSED", id="the side changes"),
        pytest.param(HOLD.format("account_id = account_id + 1", "h-part"), "HOLD_REFUSED", id="the account changes"),
        pytest.param(HOLD.format("hold_id = 'h-other'", "h-part"), "HOLD_REFUSED", id="the id changes"),
        pytest.param(
            HOLD.format("status = 'PLACED', released_minor = 0, closed_position = NULL", "h-released"),
            "HOLD_REFUSED",
            id="a released hold opens again",
        ),
        pytest.param(HOLD.format("released_minor = 1", "h-captured"), "HOLD_REFUSED", id="a captured hold changes"),
        pytest.param(HOLD.format("status = 'CAPTURED'", "h-part"), "hold_status", id="closed with something held"),
        pytest.param(HOLD.format("status = 'EXPIRED'", "h-part"), "hold_status", id="expired, and nothing given back"),
        pytest.param(HOLD.format("released_minor = 40", "h-part"), "hold_status", id="given back, and still open"),
        pytest.param(HOLD.format("status = 'LOST'", "h-part"), "hold_status", id="a status that is none"),
        pytest.param(PLACED.format("'D', 100, 1, 1"), "hold_status", id="placed and captured at once"),
        pytest.param(PLACED.format("'D', 0, 1, 0"), "amount_minor", id="nothing is held"),
        pytest.param(PLACED.format("'X', 100, 1, 0"), "side", id="a side that is none"),
    ],
)
def test_a_hold_that_cannot_be_is_refused(role: Role | None, statement: str, refusal: str, held: TestDatabase) -> None:
    with acting_as(held, role) as connection, pytest.raises(errors.CheckViolation, match=refusal):
        connection.execute(statement)


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize("status", ["F", "C"])
def test_of_a_frozen_or_closed_account_nothing_more_is_held(role: Role | None, status: str, held: TestDatabase) -> None:
    with acting_as(held, role) as connection:
        head = f"UPDATE ledger.account_head SET {{}} WHERE account_id = {new_account(connection)}"
        connection.execute(head.format(f"status = '{status}'").encode())
        with pytest.raises(errors.CheckViolation, match="PENDING_REFUSED"):
            connection.execute(head.format("debits_pending = 1").encode())


@pytest.mark.parametrize("role", WRITERS)
def test_what_is_held_of_a_frozen_account_may_be_given_back(role: Role | None, held: TestDatabase) -> None:
    with acting_as(held, role) as connection:
        connection.execute(HEAD.format("status = 'F'"))
        assert connection.execute(HEAD.format("debits_pending = debits_pending - 1")).rowcount == 1


@pytest.mark.parametrize("role", WRITERS)
def test_of_an_account_that_opens_nothing_is_held(role: Role | None, held: TestDatabase) -> None:
    with acting_as(held, role) as connection:
        connection.execute(
            "INSERT INTO ledger.account (book_id, account_id, code, type, asset_id) VALUES (1, 99, 'x', 'asset', 986)"
        )
        with pytest.raises(errors.CheckViolation, match="HEAD_REFUSED"):
            connection.execute(
                "INSERT INTO ledger.account_head (book_id, account_id, asset_id, debits_pending) VALUES (1, 99, 986, 5)"
            )


@pytest.mark.parametrize("role", WRITERS)
def test_an_id_is_one_hold(role: Role | None, held: TestDatabase) -> None:
    with acting_as(held, role) as connection, pytest.raises(errors.UniqueViolation, match="hold_pkey"):
        connection.execute("INSERT INTO ledger.hold SELECT * FROM ledger.hold WHERE hold_id = 'h-placed'")


@pytest.mark.parametrize("role", WRITERS)
def test_a_hold_is_of_an_account_that_is_there(role: Role | None, held: TestDatabase) -> None:
    with acting_as(held, role) as connection, pytest.raises(errors.ForeignKeyViolation):
        connection.execute(PLACED.format("'D', 100, 1, 0").replace("account_id, asset_id, 'D'", "999, asset_id, 'D'"))


@pytest.mark.parametrize("statement", ["DELETE FROM ledger.hold", "TRUNCATE ledger.hold"])
def test_no_hold_is_forgotten(statement: str, held: TestDatabase) -> None:
    for role in (Role.OWNER, None):
        with acting_as(held, role) as connection, pytest.raises(errors.IntegrityConstraintViolation, match="APPEND"):
            connection.execute(statement)
    for role in (Role.POSTER, Role.PROJECTOR, Role.READER, Role.RECONCILER):
        with acting_as(held, role) as connection, pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement)


def test_a_reader_sees_the_holds_of_one_book_and_by_default_none(held: TestDatabase) -> None:
    with acting_as(held, Role.READER) as connection:
        count = "SELECT count(*) FROM ledger.hold"
        assert connection.execute(count).fetchall() == [(0,)]
        for book_id, seen in (("0", 0), ("1", 5)):
            connection.execute("SELECT set_config('ledger.book_id', %s, true)", (book_id,))
            assert connection.execute(count).fetchall() == [(seen,)]
