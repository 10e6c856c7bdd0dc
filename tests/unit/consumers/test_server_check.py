"""What a process demands of the server, by the key to change (I32)."""

from dataclasses import replace

import pytest

from consumers.server_check import ServerFacts, unsafe_settings

GOOD = ServerFacts(18, "on", "on", "on", in_recovery=False, login="payments", superuser=False, owner=False)


def test_a_durable_server_and_a_narrow_login_are_safe() -> None:
    assert unsafe_settings(GOOD, allow_owner_login=False) == {}


@pytest.mark.parametrize(
    ("facts", "key"),
    [
        (replace(GOOD, fsync="off"), "fsync"),
        (replace(GOOD, synchronous_commit="off"), "synchronous_commit"),
        (replace(GOOD, full_page_writes="off"), "full_page_writes"),
        (replace(GOOD, version=14), "LEDGER_POSTGRES_DSN"),
        (replace(GOOD, in_recovery=True), "LEDGER_POSTGRES_DSN"),
        (replace(GOOD, superuser=True), "LEDGER_POSTGRES_DSN"),
        (replace(GOOD, owner=True), "LEDGER_POSTGRES_DSN"),
    ],
)
def test_whatever_is_unsafe_is_named(facts: ServerFacts, key: str) -> None:
    assert list(unsafe_settings(facts, allow_owner_login=False)) == [key]


def test_a_machine_of_ones_own_may_log_in_as_owner() -> None:
    assert unsafe_settings(replace(GOOD, superuser=True), allow_owner_login=True) == {}
