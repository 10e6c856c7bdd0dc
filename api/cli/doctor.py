"""Placeholder."""


def doctor() -> None:
    """."""
