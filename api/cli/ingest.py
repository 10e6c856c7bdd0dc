"""Placeholder."""


def ingest() -> None:
    """."""
