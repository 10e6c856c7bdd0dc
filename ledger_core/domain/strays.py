"""Strays: what the system book comes to say of an event that waited there for its own book."""

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Stray:
    """That the event was decided in this book, which was created since. No upstream event says it."""

    book: str
