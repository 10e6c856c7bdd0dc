"""What an invariant is: a name from the list, a sentence, and a query of violators that must be empty."""

from dataclasses import dataclass
from typing import LiteralString


@dataclass(frozen=True, slots=True)
class Invariant:
    """`violators` answers one text column: each row names one thing that should not be so."""

    name: str
    sentence: str
    violators: LiteralString
