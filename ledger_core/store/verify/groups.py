"""Groups in the log: members 1 … n stand behind each other, all of one upstream event, all accepted or none."""

from collections.abc import Sequence
from typing import Final

from ledger_core.store.verify.lines import Document
from ledger_core.store.verify.report import Tally

SAME: Final = ("source", "event_id", "event_type", "cause", "revision")
"""What the members of a group have in common."""


def follows(document: Document) -> bool:
    """True of the members behind the first, which alone has an inbox row and was counted."""
    place, _ = _member(document)
    return place > 1


def _member(document: Document) -> tuple[int, int]:
    """Which member of how many; (1, 1) where the event is no group's, (0, 0) where that can't be read."""
    try:
        place, size = document.get("group", (1, 1))
        return int(place), int(size)
    except (TypeError, ValueError):
        return 0, 0


class GroupScan:
    """Walks outcomes in the order of the log; a group may go on in the next run of positions."""

    def __init__(self, book: str, tally: Tally) -> None:
        self._book = book
        self._tally = tally
        self._first: Document = {}
        self._type = ""
        self._place, self._size, self._position = 1, 1, 0

    def take(self, documents: Sequence[Document], types: Sequence[str], positions: Sequence[int]) -> None:
        for document, name, position in zip(documents, types, positions, strict=True):
            place, size = _member(document)
            if (place, size) == (1, 1) and self._place == self._size:
                self._position = position
                continue
            self._tally.count("groups", int(place == 1))
            if place == 1:
                self.end()
                self._first, self._type = document, name
            elif (place, size, position, name) != (self._place + 1, self._size, self._position + 1, self._type) or any(
                document.get(member) != self._first.get(member) for member in SAME
            ):
                self._bad(position)
            self._place, self._size, self._position = place, size, position

    def skip(self, position: int) -> None:
        """A run of positions in which nothing is a group's."""
        self.end()
        self._place, self._size, self._position = 1, 1, position

    def end(self) -> None:
        """The log ends, or another event begins: the group before must be whole."""
        if self._place != self._size:
            self._bad(self._position)

    def _bad(self, position: int) -> None:
        self._tally.bad("groups", f"book {self._book}: event at position {position}")
