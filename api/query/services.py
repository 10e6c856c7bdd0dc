"""What the handlers work with, handed to them by the application they belong to."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from psycopg_pool import ConnectionPool

from api.cursors import Cursors


@dataclass(frozen=True, slots=True)
class Services:
    """`wait_seconds` is how long `min_position` waits."""

    pool: ConnectionPool
    cursors: Cursors
    wait_seconds: float


def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


Served = Annotated[Services, Depends(_services)]
