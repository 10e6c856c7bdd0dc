"""What a batch of messages says of each book: order, repeats, holes, epochs, and what cannot be read."""

from collections.abc import Sequence

import orjson
import pytest

from consumers.transport.ports import StoredRecord
from projections.messages import BookNews, collect_news, decode_message

BOOKS = {"shop": 7, "other": 8}


def message(position: int, *, epoch: int = 1, book: str = "shop", **more: object) -> dict[str, object]:
    return {
        "type": "ledger.voucher.posted.v1", "subject": "o1", "ledgerbook": book, "ledgerposition": position,
        "ledgerepoch": epoch, "ledgerblock": position, "ledgerblockhash": f"{epoch}{position}", "data": {}, **more,
    }  # fmt: skip


def stub(position: int) -> dict[str, object]:
    whole = message(position, ledgerstub=True)
    del whole["data"]
    return whole


def record(value: bytes | None, key: bytes | None = b"shop") -> StoredRecord:
    return StoredRecord("ledger.events.v1", 0, 0, 0, key, value)


def collect(messages: Sequence[dict[str, object]]) -> BookNews:
    news, foreign = collect_news([record(orjson.dumps(one)) for one in messages], BOOKS.get)
    assert foreign == 0
    return news[7]


def positions(news: BookNews) -> list[int]:
    return [event.position for event in news.events]


def test_events_come_in_order_and_without_repeats() -> None:
    news = collect([message(at) for at in (3, 4, 3, 4, 5)])
    assert (positions(news), news.last_position, news.block_hash_hex) == ([3, 4, 5], 5, "15")
    assert news.events[0].type == "voucher.posted"


@pytest.mark.parametrize(
    ("messages", "checkpoint", "continues"),
    [
        ([message(3), message(4)], 2, True),
        ([message(3), message(4)], 3, True),
        ([message(3), message(4)], 1, False),
        ([message(3), message(5)], 2, False),
        ([message(3), stub(4)], 2, False),
        ([message(3), stub(4), message(5)], 2, False),
        ([stub(3)], 2, False),
    ],
    ids=["next", "overlap", "gap before", "hole", "stub at the end", "stub inside", "stub alone"],
)
def test_only_an_unbroken_run_after_the_checkpoint_is_taken_from_messages(
    messages: list[dict[str, object]], checkpoint: int, continues: bool
) -> None:
    news = collect(messages)
    assert news.continues(checkpoint) is continues
    if continues:
        assert [event.position for event in news.after(checkpoint)] == list(range(checkpoint + 1, 5))


def test_a_later_epoch_begins_anew_and_an_older_one_is_dropped() -> None:
    news = collect([message(3), message(4), message(3, epoch=2), message(5), message(4, epoch=2)])
    assert (news.log_epoch, positions(news), news.block_hash_hex) == (2, [3, 4], "24")


@pytest.mark.parametrize(
    "value",
    [
        None, b"", b"{", b"null", b"[]", b"{}", b"\xff\xff",
        orjson.dumps(message(1) | {"ledgerposition": "1"}), orjson.dumps(message(1) | {"ledgerposition": True}),
        orjson.dumps(message(1) | {"ledgerepoch": None}), orjson.dumps(message(1) | {"ledgerblockhash": 1}),
    ],
)  # fmt: skip
def test_what_cannot_be_read_marks_the_book_of_its_key(value: bytes | None) -> None:
    assert decode_message(value) is None
    news, foreign = collect_news([record(value), record(value, b"nowhere"), record(value, None)], BOOKS.get)
    assert foreign == 2
    assert (news[7].unreadable, news[7].last_position) == (True, 0)


def test_data_that_is_no_object_is_a_hole() -> None:
    assert not collect([message(3, data="x")]).continues(2)


def test_books_are_kept_apart() -> None:
    batch = [record(orjson.dumps(message(at, book=book))) for at, book in ((3, "shop"), (9, "other"), (4, "shop"))]
    news, _ = collect_news(batch, BOOKS.get)
    assert {book_id: positions(of_book) for book_id, of_book in news.items()} == {7: [3, 4], 8: [9]}
