"""What placing, capturing and releasing a hold proposes."""

import pytest

from ledger_core.domain.charts import Chart, chart_from_document
from ledger_core.domain.holds import HoldCaptured, HoldPlaced, HoldReleased, HoldTerms, Taker
from ledger_core.domain.money import MAX_AMOUNT_MINOR
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.vouchers import Draft, Line, Purpose
from ledger_core.rules.catalogue import propose
from schemas.charts import load_chart

TERMS = HoldTerms("wallet:buyer:1", "D", "EUR")


@pytest.fixture(scope="module")
def chart() -> Chart:
    return chart_from_document(load_chart())


def drafted(answer: Draft | Refusal | None) -> Draft:
    assert isinstance(answer, Draft), answer
    return answer


def capture(*takers: Taker, stated: int | None = None, terms: HoldTerms | None = TERMS) -> HoldCaptured:
    return HoldCaptured("h", takers, stated_minor=stated, terms=terms)


def test_a_placing_keeps_back_one_line_and_says_its_terms(chart: Chart) -> None:
    fact = HoldPlaced("h", "wallet:buyer:1", 100, "EUR", "D", 500, 1_790_848_800_000_000, "deposit")
    draft = drafted(propose(fact, chart))
    assert (draft.kind, draft.rule, draft.recorded) == ("hold", "hold_placed/1", True)
    assert draft.lines == [Line("wallet:buyer:1", "D", 100, "EUR", Purpose.PAYMENT)]
    assert draft.details == {
        "hold": {
            "status": "PLACED", "account": "wallet:buyer:1", "side": "D", "tolerance_bps": 500,
            "expires_at": "2026-10-01T10:00:00.000000Z",
        },
        "memo": "deposit",
    }  # fmt: skip


def test_a_capture_goes_from_the_account_of_its_hold_to_its_takers(chart: Chart) -> None:
    takers = (
        Taker("wallet:seller:7", 90, Purpose.SELLER_SHARE),
        Taker("control:PLATFORM_FEES", 10, Purpose.PLATFORM_FEE),
    )
    draft = drafted(propose(capture(*takers, stated=100), chart))
    assert (draft.kind, draft.rule, draft.recorded) == ("capture", "hold_captured/1", False)
    assert [line[:4] for line in draft.lines] == [
        ("wallet:buyer:1", "D", 100, "EUR"),
        ("wallet:seller:7", "C", 90, "EUR"),
        (chart.control("PLATFORM_FEES", "EUR"), "C", 10, "EUR"),
    ]
    assert [line.purpose for line in draft.lines[1:]] == [Purpose.SELLER_SHARE, Purpose.PLATFORM_FEE]


def test_a_capture_of_a_hold_on_the_credit_side_debits_its_takers(chart: Chart) -> None:
    draft = drafted(propose(capture(Taker("a", 5), terms=HoldTerms("cash:1", "C", "EUR")), chart))
    assert [(line.account, line.side) for line in draft.lines] == [("cash:1", "C"), ("a", "D")]


def test_a_release_has_no_line(chart: Chart) -> None:
    draft = drafted(propose(HoldReleased("h", "returned"), chart))
    assert (draft.lines, draft.recorded, draft.details) == ([], True, {"reason": "returned"})


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (capture(Taker("a", 1), terms=None), Code.HOLD_UNKNOWN),
        (capture(Taker("control:NO_SUCH_ROLE", 1)), Code.CONTROL_ACCOUNT_MISSING),
        (HoldPlaced("h", "control:NO_SUCH_ROLE", 1, "EUR"), Code.CONTROL_ACCOUNT_MISSING),
        (capture(Taker("wallet:buyer:1", 1)), Code.SAME_ACCOUNT_BOTH_SIDES),
        (capture(Taker("a", 60), Taker("b", 30), stated=100), Code.VOUCHER_UNBALANCED),
        (capture(Taker("a", MAX_AMOUNT_MINOR), Taker("b", 1)), Code.SUM_TOO_LARGE),
    ],
)
def test_what_can_not_be_posted_is_refused_by_name(chart: Chart, fact: HoldCaptured | HoldPlaced, code: Code) -> None:
    answer = propose(fact, chart)
    assert isinstance(answer, Refusal)
    assert answer.code is code
