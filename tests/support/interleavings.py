"""Stories as services tell them, one event after the other; and how brokers deliver them: in any order, in batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from math import factorial
from random import Random
from typing import Any

from hypothesis import strategies as st

from deploy.demo.messages import Message
from tests.models.order import Told
from tests.support.postings import event

SELLER, BUYER = "wallet:seller:1", "wallet:buyer:1"
BPS = 1000
PIECES = {1: (100,), 2: (60, 40), 3: (50, 30, 20)}
Story = tuple[Told, ...]
_OF_KEY = ("payment", "transfer", "transaction", "payout", "fee")

_IDS = {"refund": "refund_id", "chargeback": "chargeback_id", "settlement": "settlement_id", "payout": "payout_id",
        "fee": "fee_id", "transfer": "transfer_id", "transaction": "transfer_id", "payment": "payment_id"}  # fmt: skip


def event_id(one: Told, key: str) -> str:
    return f"{key}-{one.kind}-{one.part}"


def message(one: Told, key: str, book: str) -> Message:
    """As its service sends it."""
    family = one.kind.partition(".")[0]
    data: dict[str, Any] = {_IDS[family]: key if family in _OF_KEY else one.part}
    if family == "transfer" and ".inflow." in one.kind:
        data["inflow_id"] = one.part
    if family in ("refund", "chargeback", "settlement"):
        data["payment_id"] = key
    if one.amount:
        data |= {"amount_minor": str(one.amount), "currency": "EUR"}
    if one.fee:
        data["fee_minor"] = str(one.fee)
    if one.bps:
        data["beneficiaries"] = [{"account": one.to, "amount_minor": str(one.amount), "commission_bps": one.bps}]
    return event(f"{one.kind}.v1", key, event_id(one, key), {**data, **one.data}, book=book)


# Stories of a payment -----------------------------------------------------------------------------

FAILED = {"failure_reason": "no_luck"}


def _shared(kind: str, part: str, amount: int, **more: Any) -> Told:
    return Told(kind, part, amount, to=SELLER, bps=BPS, **more)


@st.composite
def payments(draw: st.DrawFn) -> Story:
    """From an intent to whatever became of it; what is given back, disputed or settled is no more than was captured."""
    cash = draw(st.sampled_from([False, False, False, True]))
    method = {"method": "cash_on_delivery" if cash else "card"}
    story = [Told("payment.intent_created", amount=100, cash=cash, data=method)] if cash or draw(st.booleans()) else []
    if not cash and draw(st.booleans()):
        story.append(Told("payment.authorized", amount=100, data=method))
    if draw(st.sampled_from([False] * 5 + [True])):
        story.append(Told("payment.capture_failed", data=FAILED))
    end = draw(st.sampled_from(["followed"] * 5 + ["voided", "failed", "expired"]))
    if end == "failed":
        return (*story, *_or_intent(story), Told("payment.failed", data=FAILED))
    proof = {"confirmed_by": "courier", "confirmed_at": "2026-11-21T08:00:00Z"} if cash else {}
    pieces = PIECES[draw(st.sampled_from([1, 1, 1, 2, 3]))]
    story += [
        _shared("payment.captured", f"c{n}", minor, cash=cash, data={**method, **proof})
        for n, minor in enumerate(pieces)
    ]
    if end == "voided":
        return (*story, Told("payment.voided"))
    if end == "expired":
        story.append(Told("payment.authorization_expired"))
    return (*story, *draw(_followed(cash=cash)))


def _or_intent(story: Sequence[Told]) -> Story:
    return () if story else (Told("payment.intent_created", amount=100, data={"method": "card"}),)


@st.composite
def _followed(draw: st.DrawFn, *, cash: bool) -> Story:
    """At most 100 of refunds and disputes, and of settlements. Cash is neither disputed nor settled."""
    kinds = ["refund", "steps"] if cash else ["refund", "steps", "dispute", "settlement", "settlement"]
    told: list[Told] = []
    for number, kind in enumerate(draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=2))):
        part, minor = f"{kind}-{number}", draw(st.sampled_from([30, 50]))
        if kind == "refund":
            told.append(
                _shared(
                    "payment.refunded",
                    part,
                    draw(st.sampled_from([minor, 100])) if not told else minor,
                    cash=cash,
                    data=_refund(part, cash),
                )
            )
            if told[-1].amount == 100:
                break
        else:
            told += draw(
                {
                    "steps": _steps(part, minor, cash),
                    "dispute": _dispute(part, minor),
                    "settlement": _settlement(part, minor),
                }[kind]
            )
    return tuple(told)


def _refund(part: str, cash: bool) -> dict[str, str]:
    return {"refund_id": part, **({"payer": "control:CASH_ON_DELIVERY"} if cash else {})}


@st.composite
def _steps(draw: st.DrawFn, part: str, minor: int, cash: bool) -> Story:
    first = [Told("refund.requested", part, minor), Told("refund.approved", part)]
    if draw(st.booleans()):
        first.append(Told("refund.processing", part))
    if draw(st.booleans()):
        return (*first, _shared("refund.completed", part, minor, cash=cash, data=_refund(part, cash)))
    return (*first, Told("refund.failed", part, data=FAILED))


@st.composite
def _dispute(draw: st.DrawFn, part: str, minor: int) -> Story:
    told = [_shared("chargeback.opened", part, minor, fee=draw(st.sampled_from([0, 5])))]
    if draw(st.booleans()):
        told.append(Told("chargeback.evidence_submitted", part))
    if draw(st.booleans()):
        told.append(Told(f"chargeback.{draw(st.sampled_from(['won', 'lost']))}", part, minor, fee=told[0].fee))
    return tuple(told)


@st.composite
def _settlement(draw: st.DrawFn, part: str, minor: int) -> Story:
    fee = draw(st.sampled_from([0, 3]))
    told = [Told("settlement.confirmed", part, minor, fee=fee)]
    end = draw(st.sampled_from(["", "finality_confirmed", "finality_failed", "failed"]))
    if end == "finality_confirmed":
        told.append(Told("settlement.finality_confirmed", part, minor - fee))
    elif end:
        told.append(Told(f"settlement.{end}", part, data=FAILED))
    return tuple(told)


# Stories beside payments --------------------------------------------------------------------------

OF_SELLER = {"account": SELLER}


@st.composite
def payouts(draw: st.DrawFn) -> Story:
    end = draw(st.sampled_from(["paid at once", "paid", "failed"]))
    told = [] if end == "paid at once" else [Told("payout.requested", "w", 30, to=SELLER, data=OF_SELLER)]
    if end == "failed":
        return (*told, Told("payout.failed", "w", data=FAILED))
    told.append(Told("payout.paid", "w", 30, to=SELLER, data=OF_SELLER))
    return (*told, Told("payout.returned", "w", data=FAILED)) if draw(st.booleans()) else tuple(told)


@st.composite
def fees(draw: st.DrawFn) -> Story:
    """Three tries at most, of which the last may do."""
    told: list[Told] = []
    for number in range(draw(st.integers(0, 2))):
        told += [Told("fee.failed", f"f{number}", data=FAILED), Told("fee.retried", f"r{number}")]
    told.append(Told("fee.charged", "c", 10, to=SELLER, data=OF_SELLER))
    given = draw(st.sampled_from([(), (10,), (4, 6)]))
    backs = [Told("fee.refunded", f"b{n}", minor, to=SELLER, data=OF_SELLER) for n, minor in enumerate(given)]
    return (*told, *backs)


@st.composite
def transfers(draw: st.DrawFn) -> Story:
    """Settled once all of it is here, nobody looks at it by hand, monitoring has passed it and somebody agreed."""
    pieces = draw(st.sampled_from([(80,), (50, 30)]))
    arrivals = [Told("transfer.inflow.received", f"d{n}", minor) for n, minor in enumerate(pieces)]
    told = [Told("transfer.requested", amount=80)]
    if draw(st.booleans()):
        told.append(Told("transfer.inflow.announced", "d0", pieces[0]))
    told += arrivals
    looked_at = draw(st.booleans())
    if looked_at:
        told += [Told("transfer.review.opened"), Told("transfer.review.cleared")]
    if draw(st.booleans()):
        told.append(Told("transfer.monitoring.flagged"))
    if draw(st.sampled_from([False, False, True])):
        told += [Told("transfer.failed", data=FAILED)]
    else:
        told += [Told("transfer.monitoring.passed"), Told("transfer.approved", data={"approved_by": "anna"})]
        told.append(Told("transfer.settled", amount=80, to=SELLER, data={"to": SELLER}))
        if not draw(st.booleans()):
            return tuple(told)
        told.append(Told("transaction.compensated", data={"reason": "by mistake"}))
    back = [Told("transfer.inflow.compensated", one.part, data={"reason": "sent back"}) for one in arrivals]
    return (*told, *(back if draw(st.booleans()) else ()))


STORIES = st.one_of(payments(), payments(), payments(), transfers(), transfers(), payouts(), fees())


@dataclass(frozen=True, slots=True)
class Delivery:
    """An order of the story's events, some of them twice, and where batches end."""

    order: tuple[int, ...]
    cuts: frozenset[int]

    def batches(self) -> list[tuple[int, ...]]:
        batches: list[list[int]] = [[]]
        for place, number in enumerate(self.order):
            if place in self.cuts and batches[-1]:
                batches.append([])
            batches[-1].append(number)
        return [tuple(batch) for batch in batches]


def deliveries(story: Story, most: int, chance: Random) -> list[Delivery]:
    """First as it was told, an event a batch; then in every order, or in `most` by chance: some events twice, and
    batches of any size."""
    places = range(len(story))
    if factorial(len(story)) <= most:
        orders = [list(order) for order in permutations(places)]
    else:
        orders = [chance.sample(places, len(story)) for _ in range(most)]
    return [Delivery(tuple(places), frozenset(places)), *(_delivered(order, chance) for order in orders)]


def _delivered(order: Sequence[int], chance: Random) -> Delivery:
    told = list(order)
    for number in chance.sample(order, chance.randrange(2)):
        told.insert(chance.randrange(told.index(number) + 1, len(told) + 1), number)
    often = chance.choice((0, 0.5, 1))
    return Delivery(tuple(told), frozenset(place for place in range(len(told)) if chance.random() < often))
