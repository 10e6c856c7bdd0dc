"""Whether and how a book's log is continued by what came. Pure: decided on checkpoints that are locked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from projections.checkpoints import Checkpoint
from projections.messages import BookNews
from projections.store_log import BlockMark


class StopCode(StrEnum):
    """Why a projection takes nothing more. Each is cured by a rebuild, once its cause is known."""

    FOLD_CHANGED = "FOLD_CHANGED"
    LOG_REWRITTEN = "LOG_REWRITTEN"
    MESSAGE_NOT_IN_LOG = "MESSAGE_NOT_IN_LOG"
    LOG_INCOMPLETE = "LOG_INCOMPLETE"
    EVENT_NOT_FOLDED = "EVENT_NOT_FOLDED"


@dataclass(frozen=True, slots=True)
class Stop:
    """These projections of a book can't go on."""

    book_id: int
    projections: tuple[str, ...]
    code: StopCode
    detail: str


@dataclass(slots=True)
class Advance:
    """What is to be applied of one book now: positions low + 1 to last, less what a checkpoint has."""

    news: BookNews
    running: Sequence[Checkpoint]
    low: int
    last: int
    target: int
    """Where the book stands when all that came is applied; beyond `last` when a gap takes several steps."""
    from_messages: bool

    @property
    def positions(self) -> set[int]:
        """Positions whose blocks prove that the log is continued."""
        stands = {checkpoint.position for checkpoint in self.running}
        return {self.last, self.target, self.news.last_position, *stands} - {0}

    @property
    def book_id(self) -> int:
        return self.news.book_id

    @property
    def log_epoch(self) -> int:
        return max(self.news.log_epoch, *(checkpoint.log_epoch for checkpoint in self.running))


def runnable(
    checkpoints: Sequence[Checkpoint], fold_versions: Mapping[str, int]
) -> tuple[list[Checkpoint], Stop | None]:
    """The checkpoints that our code may move, and the stop for rows that other code folded."""
    going = [checkpoint for checkpoint in checkpoints if not checkpoint.stopped_code]
    changed = [going_on for going_on in going if going_on.fold_version != fold_versions[going_on.projection]]
    if not changed:
        return going, None
    stop = Stop(
        changed[0].book_id,
        tuple(checkpoint.projection for checkpoint in changed),
        StopCode.FOLD_CHANGED,
        f"rows were folded by version {changed[0].fold_version} of the fold, the code has another: rebuild",
    )
    return [checkpoint for checkpoint in going if checkpoint not in changed], stop


def plan_advance(
    news: BookNews, running: Sequence[Checkpoint], book_position: int | None, max_events: int
) -> Advance | None:
    """The next step of a book, or None when what came is known already or belongs to an abandoned log.

    `book_position` is given for a book of which a message could not be read: the store tells what it was.
    """
    if not running:
        return None
    stale = news.last_position > 0 and any(news.log_epoch < checkpoint.log_epoch for checkpoint in running)
    last_position = 0 if stale else news.last_position
    target = max(last_position, book_position or 0)
    low = min(checkpoint.position for checkpoint in running)
    if target <= low:
        return None
    from_messages = target == last_position and news.continues(low)
    last = target if from_messages else min(target, low + max_events)
    return Advance(news, running, low, last, target, from_messages)


def refusal(advance: Advance, blocks: Mapping[int, BlockMark]) -> Stop | None:
    """Why the log is not continued by hash, or None. `blocks` are the store's, by position."""
    names = tuple(checkpoint.projection for checkpoint in advance.running)
    for checkpoint in advance.running:
        if checkpoint.position and blocks.get(checkpoint.position) != checkpoint.block:
            detail = f"the log no longer holds the block of checkpoint {checkpoint.position}: restored or cut"
            return Stop(advance.book_id, names, StopCode.LOG_REWRITTEN, detail)
    news = advance.news
    if news.last_position and news.log_epoch >= advance.log_epoch:
        block = blocks.get(news.last_position)
        if block is None or block.hash.hex() != news.block_hash_hex:
            detail = f"the store's log does not hold the block of the message at position {news.last_position}"
            return Stop(advance.book_id, names, StopCode.MESSAGE_NOT_IN_LOG, detail)
    return None
