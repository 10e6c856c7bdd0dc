"""A ledger written by the real posting path, from records held in memory: for tests of what is read afterwards."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from consumers.decode import Decoder
from consumers.transport.ports import StoredRecord
from deploy.demo.messages import Message, Producer
from ledger_core.store.batch import BatchResult, SourceAdvance
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role, connect
from ledger_core.store.hold_expiry import expire_due
from ledger_core.store.positions import record_hash
from ledger_core.store.poster import Poster
from schemas.charts import load_chart

TIME = "2026-11-21T08:46:53.000007Z"
LONG_AGO, LONG_DUE = "2021-01-01T00:00:00Z", "2021-01-02T00:00:00Z"
BOOK = "shop"
TOPIC = "payments"
SOURCE = "/psp"


@dataclass(slots=True)
class PostedLedger:
    """One topic, posted partition by partition. Use as a context manager."""

    dsn: str = field(repr=False)
    poster: Poster = field(init=False)
    decoder: Decoder = field(init=False)
    _next_offsets: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with connect(self.dsn, Role.POSTER) as connection:
            assets = connection.execute("SELECT code, asset_id FROM ledger.asset").fetchall()
        self.decoder = Decoder(dict(assets))
        self.poster = Poster(self.dsn, decode=self.decoder.decode)

    def __enter__(self) -> Self:
        self.poster.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.poster.close()

    def create_book(self, code: str = BOOK) -> None:
        chart = {**load_chart(), "sources": [{"source": "*", "types": ["*"]}]}
        with connect(self.dsn, Role.POSTER) as connection:
            create_book(connection, code, chart)

    def post(self, messages: Iterable[Message], partition: int = 0) -> BatchResult:
        """Post messages as one batch that came on one partition."""
        first = self._next_offsets.get(partition)
        if first is None:
            first = self.poster.positions.find({(TOPIC, partition): 0})[TOPIC, partition].next_offset
        records = [
            StoredRecord(TOPIC, partition, first + number, 0, message.key, message.value, message.headers)
            for number, message in enumerate(messages)
        ]
        advance = self._advance(partition, first, records)
        prepared = self.poster.prepare(self.decoder.decode_many(records), [advance])
        result = self.poster.post(prepared)
        self._next_offsets[partition] = advance.next_offset
        return result

    def let_expire(self) -> dict[str, int]:
        """Lets holds expire that are due; how many by book."""
        with connect(self.dsn, Role.POSTER) as connection:
            connection.autocommit = True
            return expire_due(connection)

    def _advance(self, partition: int, first: int, records: Sequence[StoredRecord]) -> SourceAdvance:
        return SourceAdvance(
            topic=TOPIC,
            partition=partition,
            incarnation=1,
            from_offset=first,
            next_offset=first + len(records),
            last_offset=first + len(records) - 1,
            last_timestamp_ms=0,
            last_hash=record_hash(records[-1]),
            gaps=0,
        )


def payment(kind: str, order: str, event_id: str | None = None, *, time: str = TIME, **data: object) -> Message:
    """`payment("captured", "order-1", amount_minor="100", …)`: the event that a payment service would send."""
    body: Mapping[str, object] = {"payment_id": order, **data}
    return Producer(BOOK, SOURCE).event(f"payment.{kind}.v1", event_id or f"{kind}-{order}", order, time, body)


def authorized(order: str, amount: int) -> Message:
    return payment("authorized", order, amount_minor=str(amount), currency="BRL", method="card")


def captured(
    order: str, amount: int, sellers: Mapping[str, int] | None = None, event_id: str | None = None, *, time: str = TIME
) -> Message:
    """A capture; `sellers` are wallet names with their gross parts, 10 % commission each."""
    shares = [
        {"account": f"wallet:seller:{seller}", "amount_minor": str(part), "commission_bps": 1000}
        for seller, part in (sellers or {}).items()
    ]
    data: dict[str, object] = {"amount_minor": str(amount), "currency": "BRL", "method": "card"}
    if shares:
        data["beneficiaries"] = shares
    return payment("captured", order, event_id, time=time, **data)


def refunded(order: str, amount: int, event_id: str | None = None) -> Message:
    refund_id = event_id or f"refund-{order}"
    return payment("refunded", order, refund_id, refund_id=refund_id, amount_minor=str(amount), currency="BRL")


def voided(order: str) -> Message:
    return payment("voided", order)


def paid_out(payout: str, seller: str, amount: int) -> Message:
    data = {"payout_id": payout, "account": f"wallet:seller:{seller}", "amount_minor": str(amount)}
    body = {**data, "currency": "BRL"}
    return Producer(BOOK, SOURCE).event("payout.paid.v1", f"payout-{payout}", payout, TIME, body)


def step(event_type: str, order: str, *, amount: int = 0, **data: object) -> Message:
    """`step("refund.requested", "o-1", amount=10, refund_id="r-1")`: what follows a payment, or stands alone."""
    kind, _, which = event_type.partition(".")
    body: dict[str, object] = {**data}
    if kind in ("refund", "chargeback", "settlement", "payment"):
        body["payment_id"] = order
    if amount:
        body |= {"amount_minor": str(amount), "currency": "BRL"}
    name = "-".join(str(value) for key, value in data.items() if key.endswith("_id"))
    return Producer(BOOK, SOURCE).event(f"{event_type}.v1", f"{kind}-{which}-{name or order}", order, TIME, body)


def steps() -> list[Message]:
    """A part of every kind: refunds and disputes open and ended, settlements, a payout, a fee, a profile."""
    seller: Mapping[str, Any] = {"account": "wallet:seller:a"}
    why: Mapping[str, Any] = {"failure_reason": "no_luck"}
    return [
        captured("s-1", 1_000, {"a": 1_000}),
        step("refund.requested", "s-1", amount=100, refund_id="r-open"),
        step("refund.requested", "s-1", amount=200, refund_id="r-done"),
        step("refund.approved", "s-1", refund_id="r-done"),
        step("refund.completed", "s-1", amount=200, refund_id="r-done", platform_fee="kept"),
        step("chargeback.opened", "s-1", amount=300, chargeback_id="c-won", fee_minor="15"),
        step("chargeback.won", "s-1", amount=300, chargeback_id="c-won", fee_minor="15"),
        step("chargeback.opened", "s-1", amount=50, chargeback_id="c-open"),
        step("settlement.confirmed", "s-1", amount=600, settlement_id="t-1", fee_minor="9"),
        step("settlement.finality_confirmed", "s-1", amount=591, settlement_id="t-1"),
        step("settlement.confirmed", "s-1", amount=100, settlement_id="t-2"),
        step("settlement.failed", "s-1", settlement_id="t-2", **why),
        step("payout.requested", "s-p", amount=10, payout_id="s-p", **seller),
        step("payout.failed", "s-p", payout_id="s-p", **why),
        step("fee.charged", "s-f", amount=10, fee_id="s-f", reference="s-1", **seller),
        step("fee.refunded", "s-f", amount=4, fee_id="s-f", **seller),
        step("payment.intent_created", "s-2", amount=1, method="card"),
        step("payment.failed", "s-2", **why),
        authorized("s-3", 1),
        step("payment.authorization_expired", "s-3"),
        step("settlement_profile.updated", "wallet:seller:a", beneficiary="wallet:seller:a", status="PENDING"),
    ]


def across_currencies() -> list[Message]:
    """A payment in reais that is credited in euros, a part of it refunded; and a rate of the pair."""
    quote = {"rate": "0.1617", "base": "BRL", "counter": "EUR", "provider": "bank", "source": "desk", "quoted_at": TIME}
    exchange = {"amount_minor": "1617", "currency": "EUR", "quote": quote}
    share = {"account": "wallet:seller:euro", "amount_minor": "1617"}
    rate = {
        "base": "BRL",
        "counter": "EUR",
        "rate": "0.1617",
        "provider": "ecb",
        "source": "the day",
        "published_at": TIME,
    }
    return [
        payment("captured", "s-x", amount_minor="10000", currency="BRL", method="card", exchange=exchange,
                beneficiaries=[share]),
        payment("refunded", "s-x", refund_id="r-x", amount_minor="3333", currency="BRL", exchange={"currency": "EUR"}),
        Producer(BOOK, SOURCE).event("fx.rate_published.v1", "rate-1", "BRL/EUR", TIME, rate),
    ]  # fmt: skip


def requested(order: str, amount: int, *, credit: str = "wallet:seller:a") -> dict[str, object]:
    """The data of a transfer by hand, from the bank."""
    lines = [("control:CASH", "debit"), (credit, "credit")]
    return {
        "kind": "transfer",
        "lines": [
            {"account": account, "amount_minor": str(amount), "currency": "BRL", "side": side}
            for account, side in lines
        ],
        "memo": f"transfer {order}",
    }


def reversed_and_compensated() -> list[Message]:
    """Vouchers that are linked to others: a capture taken back by request, and one made good."""
    producer = Producer(BOOK, SOURCE)
    void = {"voucher": {"event_id": "captured-l-1"}, "reason": "posted twice", "requested_by": "ana"}
    good = {**requested("l-2", 900), "compensates": {"event_id": "captured-l-2"}}
    return [
        captured("l-1", 800, {"b": 800}),
        captured("l-2", 900, {"b": 900}),
        producer.event("voucher.void_requested.v1", "void-l-1", "l-1", TIME, void),
        producer.event("voucher.requested.v1", "compensation-l-2", "l-3", TIME, good),
    ]


def group(order: str, *vouchers: Mapping[str, object]) -> Message:
    """Vouchers that post together or not at all."""
    data = {"vouchers": list(vouchers)}
    return Producer(BOOK, SOURCE).event("voucher.group_requested.v1", f"group-{order}", order, TIME, data)


def hold(kind: str, hold_id: str, *, time: str = TIME, **data: object) -> Message:
    """`hold("placed", "h-1", account="wallet:seller:a", amount_minor="100", currency="BRL")`."""
    body: Mapping[str, object] = {"hold_id": hold_id, **data}
    return Producer(BOOK, SOURCE).event(f"hold.{kind}.v1", f"{kind}-{hold_id}", hold_id, time, body)


def held(hold_id: str, amount: int, account: str = "wallet:seller:a", *, time: str = TIME, **terms: object) -> Message:
    return hold("placed", hold_id, time=time, account=account, amount_minor=str(amount), currency="BRL", **terms)


def taken(hold_id: str, amount: int, to: str = "wallet:seller:b") -> Message:
    return hold("captured", hold_id, to=[{"account": to, "amount_minor": str(amount)}])


def holds() -> list[Message]:
    """A hold in each status, once the one that is due has expired."""
    return [
        held("h-placed", 100), held("h-part", 100, capture_tolerance_bps=500), held("h-captured", 100),
        held("h-released", 100, "wallet:seller:b"), held("h-due", 100, time=LONG_AGO, expires_at=LONG_DUE),
        taken("h-part", 60), taken("h-captured", 100), hold("released", "h-released"),
    ]  # fmt: skip


def everything() -> list[list[Message]]:
    """Batches in which each outcome happens: posted, recorded, replayed, rejected, parked, healed, in conflict."""
    return [
        [
            authorized("o-1", 10_000),
            captured("o-1", 10_000, {"a": 6_000, "b": 4_000}),
            captured("o-2", 5_000),
            captured("o-3", 7_000, {"a": 6_999}),
            Message(b"x", (), b"\xff not json"),
        ],
        [
            refunded("o-4", 100),
            captured("o-1", 10_000, {"a": 6_000, "b": 4_000}),
            captured("o-2", 5_001, event_id="captured-o-2"),
            refunded("o-3", 2_000),
            payment("captured", "o-5", amount_minor="0", currency="BRL", method="card"),
        ],
        [
            captured("o-4", 500, {"b": 500}),
            authorized("o-6", 300),
            voided("o-6"),
            captured("o-7", 900, {"a": 900}),
            voided("o-7"),
            refunded("o-8", 1),
            paid_out("p-1", "a", 1_000),
        ],
        [
            group("g-1", requested("g-1", 100), requested("g-1", 200)),
            group("g-2", requested("g-2", 300), requested("g-2", 400, credit="vault:1")),
        ],
    ]
