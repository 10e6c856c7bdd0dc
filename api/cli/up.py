"""Placeholder."""


def up() -> None:
    """."""
