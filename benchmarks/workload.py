"""Payment events for measurements: the same shape for every figure, random ids, a seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import orjson

from consumers.transport.ports import Outgoing, StoredRecord
from schemas.charts import load_chart

TOPIC = "payments.events.v1"
SELLERS = BUYERS = 5_000


@dataclass(frozen=True, slots=True)
class Workload:
    """One shape of events. Each is a capture that a buyer's wallet pays to one seller's, 2 lines, or 3 with a fee.

    `hot` makes every voucher touch one buyer's wallet; otherwise both accounts are drawn from 10,000. Of so many
    events (`by_hand_every`) one is a voucher by hand between the same two accounts, with a memo and metadata.
    """

    name: str
    events: int
    books: int = 1
    hot: bool = False
    commission_bps: int = 0
    by_hand_every: int = 0

    def book_codes(self) -> list[str]:
        return [f"bench-{n}" for n in range(self.books)]

    def account_codes(self) -> list[str]:
        """Accounts that a book has before the clock starts; with many books each has few."""
        share = max(10, SELLERS // self.books)
        return [f"wallet:seller:{n}" for n in range(share)] + [f"wallet:buyer:{n}" for n in range(share)]


def chart() -> dict[str, object]:
    """The chart of the books that are measured: everybody may send everything."""
    return {**load_chart(), "sources": [{"source": "*", "types": ["*"]}]}


def messages(workload: Workload, partitions: int, seed: int = 1, topic: str = TOPIC) -> Iterator[Outgoing]:
    """The events in the order in which they are sent; with several books each keeps to one partition."""
    random = Random(seed)
    share = max(10, SELLERS // workload.books)
    for n in range(workload.events):
        book = random.randrange(workload.books)
        key = random.randbytes(16).hex()
        amount = str(random.randrange(1, 1_000_000))
        beneficiary: dict[str, object] = {"account": f"wallet:seller:{random.randrange(share)}", "amount_minor": amount}
        if workload.commission_bps:
            beneficiary["commission_bps"] = workload.commission_bps
        buyer = 0 if workload.hot else random.randrange(share)
        partition = (book if workload.books > 1 else n) % partitions
        attributes = headers(f"bench-{book}", key, n)
        if workload.by_hand_every and n % workload.by_hand_every == 0:
            data = by_hand(f"wallet:buyer:{buyer}", str(beneficiary["account"]), amount, n)
            attributes = headers(f"bench-{book}", key, n, kind="voucher.requested.v1")
            yield Outgoing(topic, key.encode(), orjson.dumps(data), attributes, partition)
            continue
        data = {
            "amount_minor": amount,
            "beneficiaries": [beneficiary],
            "currency": "EUR",
            "method": "wallet",
            "payer": f"wallet:buyer:{buyer}",
            "payment_id": key,
        }
        yield Outgoing(topic, key.encode(), orjson.dumps(data), attributes, partition)


def by_hand(payer: str, payee: str, amount: str, n: int) -> dict[str, object]:
    """What the payment would have posted, stated line by line."""
    lines = [
        {"account": account, "side": side, "amount_minor": amount, "currency": "EUR"}
        for account, side in ((payer, "debit"), (payee, "credit"))
    ]
    return {"kind": "transfer", "lines": lines, "memo": f"transfer {n}", "metadata": {"ticket": str(n)}}


def headers(book: str, key: str, n: int, kind: str = "payment.captured.v1") -> tuple[tuple[str, bytes], ...]:
    """CloudEvents attributes in binary mode; ids are random, times are not the clock's."""
    second, millisecond = divmod(n, 1_000)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    day, hour = divmod(hour, 24)
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", f"payment-capture-{key}".encode()),
        ("ce_source", b"/payments"),
        ("ce_type", kind.encode()),
        ("ce_time", f"2026-09-{day + 1:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z".encode()),
        ("ce_ledgerbook", book.encode()),
        ("ce_subject", key.encode()),
        ("content-type", b"application/json"),
    )  # fmt: skip


def records(workload: Workload, partitions: int, seed: int = 1, topic: str = TOPIC) -> list[StoredRecord]:
    """The same events as records, for measurements without a broker."""
    offsets = [0] * partitions
    stored = []
    for message in messages(workload, partitions, seed, topic):
        partition = message.partition or 0
        stored.append(
            StoredRecord(topic, partition, offsets[partition], 0, message.key, message.value, message.headers)
        )
        offsets[partition] += 1
    return stored
