"""Names of replay cursors: `payments.events.v1#replay-1` is the topic as the cursor `replay-1` reads it.

A cursor's name follows the topic after `#`, which no topic may contain. Under it stand source rows, counters and a
fence of its own; the log knows only the topic.
"""

from typing import Final

MARK: Final = "#"


def named(topic: str, cursor: str) -> str:
    """The topic as the cursor's source rows name it."""
    return f"{topic}{MARK}{cursor}"


def plain(topic: str) -> str:
    """The topic as the log names it."""
    return topic.partition(MARK)[0]
