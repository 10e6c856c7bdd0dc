"""What tests of the projector do and ask again and again."""

import asyncio

import psycopg

from tests.support.read_side import ReadSide


def refresh(side: ReadSide) -> int:
    """Relay and project everything; returns the number of events that were new."""

    async def both() -> int:
        await side.relay_all()
        return await side.project_all()

    return asyncio.run(both())


def progress(admin: psycopg.Connection, book_id: int) -> set[tuple[int, str]]:
    return set(
        admin.execute(
            "SELECT position, stopped_code FROM projections.progress WHERE book_id = %s", [book_id]
        ).fetchall()
    )


def captured(admin: psycopg.Connection, book_id: int) -> int:
    row = admin.execute(
        "SELECT coalesce(sum(captured_minor), 0)::bigint FROM projections.payment WHERE book_id = %s", [book_id]
    ).fetchone()
    assert row is not None
    return int(row[0])
