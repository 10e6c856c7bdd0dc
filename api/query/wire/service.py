"""The service itself on the wire: its health, its problems, its index."""

from typing import Literal

from pydantic import Field

from api.query.wire.base import Wire


class Dependency(Wire):
    ok: bool
    reason: str = Field(description="Empty when all is well; also what stops single books")


class HealthAnswer(Wire):
    ok: bool = Field(description="This process is healthy")
    ready: bool = Field(description="The posting path can really be used")
    dependencies: dict[str, Dependency]


class LiveAnswer(Wire):
    ok: Literal[True] = True


class ReadyAnswer(Wire):
    ready: Literal[True] = True


class ProblemKindAnswer(Wire):
    code: str
    status: int
    title: str
    what_to_do: str


class ProblemTable(Wire):
    problems: list[ProblemKindAnswer]


class Index(Wire):
    service: str
    links: dict[str, str]
