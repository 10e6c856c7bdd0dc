"""Account codes in other programs' grammars: legal there, and given back without loss; texts stay on their line."""

import re
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from projections.exports.names import (
    ROOTS,
    beancount_code,
    beancount_name,
    ledger_code,
    ledger_name,
    no_formula,
    one_line,
    text_of,
)

CODES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,30}", fullmatch=True)
CLOSE_CODES = st.text("xX-.:_edu", min_size=1, max_size=8).filter(lambda code: code[0].isalpha())
"""Made of what the escapes are made of."""
TYPES = st.sampled_from(list(ROOTS))
BEANCOUNT: Final = re.compile(r"(Assets|Liabilities|Equity|Income|Expenses)(:[A-Z0-9][A-Za-z0-9-]*)+")


@given(CODES | CLOSE_CODES, TYPES)
@example("a", "asset")
@example("wallet:seller:42", "liability")
@example("A::b:", "asset")
@example("x-ub:X-e:-e:_:.", "expense")
def test_a_beancount_name_is_legal_and_gives_its_code_back(code: str, account_type: str) -> None:
    name = beancount_name(code, account_type)
    assert BEANCOUNT.fullmatch(name)
    assert name.partition(":")[0] == ROOTS[account_type]
    assert beancount_code(name) == code


@given(st.sets(CODES | CLOSE_CODES, max_size=20), TYPES)
def test_two_codes_never_share_a_name(codes: set[str], account_type: str) -> None:
    assert len({beancount_name(code, account_type) for code in codes}) == len(codes)
    assert len({ledger_name(code) for code in codes}) == len(codes)


@given(CODES | CLOSE_CODES)
@example("a::b")
@example("a:")
def test_a_ledger_name_has_no_empty_part_and_gives_its_code_back(code: str) -> None:
    name = ledger_name(code)
    assert "" not in name.split(":")
    assert ledger_code(name) == code


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("clearing:processor:BRL", "Assets:Clearing:Processor:X-BRL"),
        ("wallet:seller:42", "Assets:Wallet:Seller:42"),
        ("cash:till_1.drawer-2", "Assets:Cash:Till-u1-ddrawer--2"),
        ("a::_b", "Assets:A:X-e:X-e-ub"),
    ],
)
def test_beancount_names_look_like_their_codes(code: str, name: str) -> None:
    assert beancount_name(code, "asset") == name


@given(st.text(max_size=40) | st.text(' %;,|["\\\nab', max_size=8))
@example("  \u2028[2024-01-01] ")
@example("\ud800")
def test_a_text_stays_on_its_line_and_is_given_back(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert not set(line) & set(';,|["\\')
    assert line == line.strip()
    assert text_of(line) == text


@pytest.mark.parametrize("text", ["", "o-1", "capture o-1", "ключ 7", "a  b", "/psp?x=1&y=(2)"])
def test_a_plain_text_stays_as_it_is(text: str) -> None:
    assert one_line(text) == text


@given(st.text("=+-@'\t\ra1", max_size=5))
def test_no_cell_is_a_formula_and_each_text_has_a_cell_of_its_own(text: str) -> None:
    cell = no_formula(text)
    assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r"}
    assert (cell.removeprefix("'")) == text
