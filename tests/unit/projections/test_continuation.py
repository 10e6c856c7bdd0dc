"""Whether a book's log is continued by what came: a table of plans, and the refusals by hash."""

import pytest

from projections.checkpoints import Checkpoint
from projections.continuation import Advance, StopCode, plan_advance, refusal, runnable
from projections.events import EventState, LedgerEvent
from projections.messages import BookNews
from projections.store_log import BlockMark

HASH = b"\xaa"


def checkpoint(
    position: int, *, name: str = "payments", epoch: int = 1, fold: int = 1, stopped: str = ""
) -> Checkpoint:
    return Checkpoint(7, name, 1, fold, position, epoch, BlockMark(position, HASH), stopped)


def news(first: int, last: int, *, epoch: int = 1, unreadable: bool = False, hash_hex: str = "aa") -> BookNews:
    events = [LedgerEvent(7, position, "voucher.posted", "", EventState()) for position in range(first, last + 1)]
    return BookNews(7, epoch, last, hash_hex, events, unreadable)


@pytest.mark.parametrize(
    ("came", "stands", "book_position", "expected"),
    [
        (news(5, 8), [4], None, (4, 8, 8, True)),
        (news(3, 8), [4], None, (4, 8, 8, True)),
        (news(2, 4), [4], None, None),
        (news(7, 8), [4], None, (4, 8, 8, False)),
        (news(40, 44), [4], None, (4, 14, 44, False)),
        (news(5, 8), [4, 6], None, (4, 8, 8, True)),
        (news(5, 8), [8, 8], None, None),
        (news(5, 8, epoch=1), [4], 9, (4, 9, 9, False)),
        (BookNews(7, unreadable=True), [4], 6, (4, 6, 6, False)),
        (BookNews(7, unreadable=True), [4], 4, None),
        (news(5, 8), [], None, None),
    ],
    ids=[
        "next", "overlap", "known already", "gap", "gap longer than a step", "one projection behind", "none behind",
        "more in the store than came", "unreadable", "unreadable but known", "all stopped",
    ],
)  # fmt: skip
def test_plan(
    came: BookNews, stands: list[int], book_position: int | None, expected: tuple[int, int, int, bool] | None
) -> None:
    advance = plan_advance(came, [checkpoint(position) for position in stands], book_position, max_events=10)
    found = advance and (advance.low, advance.last, advance.target, advance.from_messages)
    assert found == expected


def test_news_of_an_abandoned_epoch_are_not_applied() -> None:
    assert plan_advance(news(5, 8, epoch=1), [checkpoint(4, epoch=2)], None, max_events=10) is None


def planned(came: BookNews, *stands: Checkpoint) -> Advance:
    advance = plan_advance(came, stands, None, max_events=10)
    assert advance is not None
    return advance


@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        ({4: BlockMark(4, HASH), 8: BlockMark(5, HASH)}, None),
        ({8: BlockMark(5, HASH)}, StopCode.LOG_REWRITTEN),
        ({4: BlockMark(4, b"other"), 8: BlockMark(5, HASH)}, StopCode.LOG_REWRITTEN),
        ({4: BlockMark(3, HASH), 8: BlockMark(5, HASH)}, StopCode.LOG_REWRITTEN),
        ({4: BlockMark(4, HASH)}, StopCode.MESSAGE_NOT_IN_LOG),
        ({4: BlockMark(4, HASH), 8: BlockMark(5, b"other")}, StopCode.MESSAGE_NOT_IN_LOG),
    ],
    ids=["continued", "checkpoint cut off", "other hash", "other number", "message beyond the log", "other message"],
)
def test_refusal_by_hash(blocks: dict[int, BlockMark], code: StopCode | None) -> None:
    stop = refusal(planned(news(5, 8), checkpoint(4)), blocks)
    assert (stop and stop.code) == code


def test_the_beginning_of_a_book_needs_no_block_before_it() -> None:
    assert refusal(planned(news(1, 3), checkpoint(0)), {3: BlockMark(1, HASH)}) is None


def test_stopped_projections_and_those_of_other_code_do_not_run() -> None:
    stands = [checkpoint(4), checkpoint(4, name="daily", fold=2), checkpoint(4, name="trial", stopped="X")]
    running, stop = runnable(stands, {"payments": 1, "daily": 1, "trial": 1})
    assert [one.projection for one in running] == ["payments"]
    assert stop is not None
    assert (stop.code, stop.projections) == (StopCode.FOLD_CHANGED, ("daily",))
