"""Vouchers by hand, version 1: stated outright, one by one or in a group that posts whole or not at all.

Fields stand in alphabetical order, as in `payments.py`; the members of `metadata` are put in order as they are read.
"""

from typing import Annotated, Final, Literal, NotRequired, final

from pydantic import AfterValidator, Field, StringConstraints, with_config
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from schemas.envelope import parse_time_us
from schemas.events.payments import STRICT, AccountCode, AmountMinor, Currency, Person, QuoteData, Reason
from schemas.events.texts import FREE_MEMBERS, FREE_TEXT, WITHOUT_CARD_NUMBER

MAX_LINES: Final = 1_000
"""Lines of one voucher, and of all vouchers of a group together."""

Kind = Annotated[
    Literal[
        "adjustment", "capture", "cash_receipt", "cash_refund", "chargeback", "closing", "cogs", "fee", "fx",
        "inventory_adjustment", "opening_balance", "payment", "payout", "refund", "transfer",
    ],
    Field(description="`adjustment` and `inventory_adjustment` need an `adjustment`, `fx` a `quote`"),
]  # fmt: skip
LinePurpose = Annotated[
    Literal[
        "adjustment", "cash", "chargeback", "closing", "cogs", "exchange", "fee", "inventory", "opening", "payment",
        "payout", "platform_fee", "refund", "seller_share", "suspense", "transfer", "unallocated",
    ],
    Field(description="Why the line is there; by the kind of the voucher if absent"),
]  # fmt: skip
Memo = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", min_length=1, max_length=500),
    Field(description="For people", examples=["goodwill for a late parcel"]),
    FREE_TEXT,
]
MetadataKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,63}$"), WITHOUT_CARD_NUMBER]
MetadataValue = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", max_length=500)]


def _in_order(metadata: dict[str, str]) -> dict[str, str]:
    return dict(sorted(metadata.items()))


Metadata = Annotated[
    dict[MetadataKey, MetadataValue],
    Field(max_length=20, description="For machines: kept with the voucher, decides nothing"),
    AfterValidator(_in_order),
    FREE_MEMBERS,
]


def _is_time(text: str) -> str:
    parse_time_us(text)
    return text


EffectiveAt = Annotated[
    str,
    AfterValidator(_is_time),
    Field(
        description="When it took effect, RFC 3339; the event's `time` if absent",
        examples=["2026-10-31T23:59:59Z"],
        json_schema_extra={"format": "date-time"},
    ),
]
VoucherNo = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,17}$"),
    Field(description="Number of a voucher of the same book", examples=["12"]),
]
Source = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", min_length=1, max_length=200),
    Field(description="Source of that event; the event's own if absent", examples=["/shop/payments"]),
]


@final
@with_config(STRICT)
class VoucherByNumber(TypedDict):
    """A posted voucher, by its number."""

    voucher_no: VoucherNo


@final
@with_config(STRICT)
class VoucherByEvent(TypedDict):
    """A posted voucher, by the upstream event that posted it."""

    event_id: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", min_length=1, max_length=200)]
    source: NotRequired[Source]


VoucherRef = VoucherByNumber | VoucherByEvent


@with_config(STRICT)
class AdjustmentData(TypedDict):
    """Why the books are put right, and on whose paper."""

    reason: Literal["cash_count", "compensating", "correction", "write_off"]
    reference: Annotated[Memo, Field(description="The document behind it", examples=["count sheet 2026-10-31"])]


@with_config(STRICT)
class LineData(TypedDict):
    """One debit or credit."""

    account: AccountCode
    amount_minor: AmountMinor
    currency: Currency
    purpose: NotRequired[LinePurpose]
    side: Literal["credit", "debit"]


Ratio = Annotated[
    int,
    Field(ge=1, le=1_000_000_000, description="Weight of the party: its part is as its ratio stands to their sum"),
]


@with_config(STRICT)
class PartyData(TypedDict):
    """Who gets a part of a split."""

    account: AccountCode
    ratio: Ratio


def _distinct(parties: list[PartyData]) -> list[PartyData]:
    if len({party["account"] for party in parties}) < len(parties):
        raise ValueError("an account stands there twice")
    return parties


@with_config(STRICT)
class SplitData(TypedDict):
    """An amount that is divided exactly: one line for each party whose part is not zero.

    Parts are rounded down and `remainder_to` gets what is left; without it each part is within one unit of exact, by
    largest remainder.
    """

    among: Annotated[list[PartyData], Field(min_length=1, max_length=MAX_LINES), AfterValidator(_distinct)]
    amount_minor: AmountMinor
    currency: Currency
    purpose: NotRequired[LinePurpose]
    remainder_to: NotRequired[AccountCode]
    side: Literal["credit", "debit"]


@with_config(STRICT)
class VoucherRequestedV1(TypedDict):
    """A voucher, line by line. Debits equal credits in each currency."""

    adjustment: NotRequired[AdjustmentData]
    compensates: NotRequired[VoucherRef]
    effective_at: NotRequired[EffectiveAt]
    kind: Kind
    lines: Annotated[list[LineData], Field(min_length=1, max_length=MAX_LINES)]
    memo: NotRequired[Memo]
    metadata: NotRequired[Metadata]
    quote: NotRequired[QuoteData]
    signed_off_by: NotRequired[
        Annotated[
            list[Person],
            Field(
                min_length=2,
                max_length=2,
                description="Two distinct persons, who sign for cash that leaves a drawer",
                examples=[["anna", "ben"]],
            ),
        ]
    ]
    splits: NotRequired[
        Annotated[
            list[SplitData],
            Field(min_length=1, max_length=100, description=f"More lines; not more than {MAX_LINES} in all"),
        ]
    ]


@with_config(STRICT)
class VoucherVoidRequestedV1(TypedDict):
    """Post the exact mirror of a voucher, once. `subject` must be the order key of that voucher."""

    in_open_period: NotRequired[
        Annotated[bool, Field(description="True: if its period is closed, mirror it in the open one")]
    ]
    reason: Reason
    requested_by: NotRequired[Annotated[Memo, Field(description="Who asked for it", examples=["anna"])]]
    voucher: VoucherRef


def _length(voucher: VoucherRequestedV1) -> int:
    """How many lines it may come to."""
    return len(voucher["lines"]) + sum(len(split["among"]) + 1 for split in voucher.get("splits", ()))


def _few_lines(vouchers: list[VoucherRequestedV1]) -> list[VoucherRequestedV1]:
    if sum(_length(voucher) for voucher in vouchers) > MAX_LINES:
        raise ValueError(f"more than {MAX_LINES} lines in all")
    return vouchers


@with_config(STRICT)
class VoucherGroupRequestedV1(TypedDict):
    """Vouchers that post together, in this order, or not at all."""

    vouchers: Annotated[
        list[VoucherRequestedV1],
        Field(min_length=2, max_length=100, description=f"Not more than {MAX_LINES} lines in all"),
        AfterValidator(_few_lines),
    ]
