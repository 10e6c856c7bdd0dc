"""Assets: what money is counted in, the same for every book."""

from dataclasses import dataclass
from typing import Final

from psycopg.rows import args_row
from psycopg_pool import ConnectionPool

from projections.queries.snapshot import QUERIES, Snapshot, reading

FIRST_OWN_ID: Final = 1_000
"""Below are the numbers that ISO 4217 gives."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset: `scale` decimals."""

    asset_id: int
    code: str
    scale: int
    name: str

    @property
    def is_iso_4217(self) -> bool:
        return self.asset_id < FIRST_OWN_ID


def assets(pool: ConnectionPool) -> list[Asset]:
    """Every asset, in the order of codes."""
    with reading(pool) as connection, connection.cursor(row_factory=args_row(Asset)) as cursor:
        return cursor.execute(QUERIES["assets"]).fetchall()


def scales(at: Snapshot) -> dict[str, int]:
    """The decimals of every asset, by its code."""
    return dict(at.connection.execute(QUERIES["scales"]).fetchall())
