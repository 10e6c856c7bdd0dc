"""Books on the wire, and who follows them."""

from datetime import datetime
from typing import Self

from pydantic import Field

from api.query.wire.base import NextCursor, Position, Wire
from projections.queries import books, health


class Book(Wire):
    book: str
    position: Position
    last_voucher_no: int
    recorded_at: datetime | None = Field(description="When the last event was written")
    posting_mode: str = Field(description="open, or halted by an operator")
    closed_through: datetime | None = Field(description="End of the last closed period")

    @classmethod
    def of(cls, book: books.Book) -> Self:
        return cls(
            book=book.code, position=book.position, last_voucher_no=book.voucher_no, recorded_at=book.recorded_at,
            posting_mode=book.posting_mode, closed_through=book.closed_through,
        )  # fmt: skip


class BookPage(Wire):
    books: list[Book]
    next_cursor: NextCursor


class Follower(Wire):
    name: str
    position: Position
    lag_positions: int
    stopped_code: str = Field(description="Why it will not go on; empty while it does")

    @classmethod
    def of(cls, follower: health.Follower) -> Self:
        return cls.model_validate(follower, from_attributes=True)


class LagAnswer(Wire):
    book: str
    position: Position
    followers: list[Follower]
