"""Bytes of refused events: of bank account numbers the ends are kept, of all else every byte."""

import pytest

from ledger_core.store.kept_values import without_accounts

ROWS: list[tuple[str, bytes | None, bytes | None]] = [
    ("nothing", None, None),
    ("another event", b'{"amount_minor":"10"}', b'{"amount_minor":"10"}'),
    ("a good one", b'{"iban":"GE29NB0000000101904917","a":1}', b'{"iban":"GE29**************4917","a":1}'),
    ("in groups", b'{"iban" : "GE29 NB00 0000 0101 9049 17"}', b'{"iban" : "GE29*******************9 17"}'),
    ("one that is too short to be one", b'{"iban":"GE29NB00000001"}', b'{"iban":"**************"}'),
    ("with an escape in it", rb'{"iban":"GE29NB000\u0030000101904917"}', b'{"iban":"' + b"*" * 27 + b'"}'),
    ("another spelling", b'{"IBAN":"GE29NB0000000101904917"}', b'{"IBAN":"GE29**************4917"}'),
    ("in the place of its object", b'{"bank_account_ref":"GE29NB0000000101904917"}',
     b'{"bank_account_ref":"GE29**************4917"}'),
    ("no JSON", b'\xff{"iban":"GE29NB0000000101904917', b'\xff{"iban":"GE29**************4917'),
]  # fmt: skip


@pytest.mark.parametrize(("value", "kept"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_only_the_ends_of_an_account_number_are_kept(value: bytes | None, kept: bytes | None) -> None:
    assert without_accounts(value) == kept
