"""Placeholder."""


def lag() -> None:
    """."""
