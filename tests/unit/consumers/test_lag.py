"""How long the oldest message has waited: told by when it was seen, whatever its timestamp says."""

from consumers.lag import LOOKS_KEPT, Waiting
from consumers.transport.ports import Partition

PARTITION = Partition("payments.events.v1", 0)


class Clock:
    """Seconds as a test sets them."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def looks(*rows: tuple[float, int, int]) -> list[float]:
    """Answers to looks at these seconds, with what was consumed and where the partition ended."""
    clock = Clock()
    waiting, answers = Waiting(clock), []
    for seconds, consumed, end in rows:
        clock.now = 100.0 + seconds
        answers.append(waiting.look(PARTITION, consumed, end))
    return answers


def test_a_consumer_that_keeps_up_lags_by_nothing() -> None:
    assert looks((0, 0, 0), (5, 10, 10), (3_600, 10, 10), (3_605, 11, 11)) == [0, 0, 0, 0]


def test_a_message_after_a_long_silence_has_just_come() -> None:
    assert looks((0, 10, 10), (3_600, 10, 11), (3_605, 10, 11)) == [0, 0, 5]


def test_the_oldest_that_waits_counts_and_no_longer_once_it_is_consumed() -> None:
    assert looks((0, 0, 5), (10, 0, 9), (20, 4, 9), (30, 5, 9), (40, 9, 12), (45, 9, 12)) == [0, 10, 20, 20, 0, 5]


def test_what_nobody_consumes_is_remembered_in_bounded_room() -> None:
    rows = [(float(second), 0, second + 1) for second in range(3 * LOOKS_KEPT)]
    assert looks(*rows)[-1] == 3 * LOOKS_KEPT - 1
