"""Payment events, version 1: what a marketplace's payment services publish.

Typed dictionaries, not models: validating straight from bytes costs half. Their fields stand in alphabetical
order and so do those of the validated dictionary, whose serialisation therefore is the canonical form that is
fingerprinted; no default is filled in. Within a version changes are additive and optional; anything else is a
new version.
"""

from typing import Annotated, Literal, NotRequired

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, with_config
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from schemas.envelope import parse_time_us
from schemas.events.texts import FREE_TEXT

STRICT = ConfigDict(strict=True, extra="forbid")

AmountMinor = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,17}$"),
    Field(description="Minor units of the currency, as ASCII digits", examples=["10000"]),
]
Currency = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,11}$"),
    Field(description="Code of an asset that the ledger knows: ISO 4217, or one of its own", examples=["BRL"]),
]
Identifier = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,199}$"),
    Field(description="An id of the publishing service", examples=["pay-1001"]),
]
# A letter at the latest behind eleven digits: no card number is taken for a word. In Rust, for each capture has one.
Method = Annotated[
    str,
    StringConstraints(pattern=r"^(?:[0-9][0-9:._-]{0,10}|(?:[0-9][0-9:._-]{0,10})?[A-Za-z][A-Za-z0-9:._-]{0,188})$"),
    Field(description="How it was paid, in the words of the publishing service", examples=["card"]),
]
AccountCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,199}$"),
    Field(
        description="Code of an account, or `control:` and the role of a control account",
        examples=["wallet:seller:42", "control:UNALLOCATED_SALES"],
    ),
]
CommissionBps = Annotated[
    int,
    Field(
        ge=0,
        le=10_000,
        description="The platform's commission on the gross part, in basis points; if absent 0, or in a marketplace"
        " what the book's chart says, and of what follows a split capture what that took",
    ),
]
Reason = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", max_length=500),
    Field(description="For people", examples=["ordered twice"]),
    FREE_TEXT,
]


FailureReason = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", max_length=500),
    Field(description="Why, in the words of the publishing service", examples=["insufficient_funds"]),
    FREE_TEXT,
]
PlatformFee = Annotated[
    Literal["kept", "returned"],
    Field(description="Whether the platform gives its commission back; `returned` if absent"),
]


@with_config(STRICT)
class BeneficiaryData(TypedDict):
    """A party of a capture or refund, and its gross part."""

    account: AccountCode
    amount_minor: AmountMinor
    commission_bps: NotRequired[CommissionBps]


Person = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$", max_length=200),
    Field(description="Who it was, in the words of the publishing service", examples=["anna"]),
    FREE_TEXT,
]
ConfirmedBy = Annotated[Person, Field(description="Of cash on delivery, and needed there: who confirmed it")]


def _is_time(text: str) -> str:
    parse_time_us(text)
    return text


ConfirmedAt = Annotated[
    str,
    AfterValidator(_is_time),
    Field(
        description="Of cash on delivery, and needed there: when it was confirmed, RFC 3339",
        examples=["2026-10-02T11:05:00Z"],
        json_schema_extra={"format": "date-time"},
    ),
]
GatewayTransactionId = Annotated[
    Identifier,
    Field(description="The processor's id of the transaction; with `gateway_response`", examples=["ch_3Pz1"]),
]
GatewayResponse = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", max_length=500),
    Field(description="What the processor answered; with `gateway_transaction_id`", examples=["approved"]),
    FREE_TEXT,
]
Partial = Annotated[bool, Field(description="True for one of several captures of the payment, which may all stand")]
Custody = Annotated[
    Literal["escrow", "direct"],
    Field(
        description="In a marketplace: `escrow` where the platform holds the beneficiaries' shares, `direct` where the"
        " processor pays them itself; as the book's chart says if absent"
    ),
]
Beneficiaries = Annotated[list[BeneficiaryData], Field(max_length=1000)]
Rate = Annotated[
    str,
    StringConstraints(pattern=r"^(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?$"),
    Field(description="Units of `counter` for one unit of `base`, an exact decimal", examples=["0.92155"]),
]
RateSource = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", min_length=1, max_length=200),
    Field(description="Where the provider has it from, or its own id of it", examples=["desk quote 17"]),
    FREE_TEXT,
]


@with_config(STRICT)
class QuoteData(TypedDict):
    """The rate that an exchange was made at: kept as it was given, never computed again."""

    base: Currency
    counter: Currency
    provider: Annotated[Identifier, Field(description="Who gave the rate", examples=["bank-of-example"])]
    quoted_at: Annotated[
        str,
        AfterValidator(_is_time),
        Field(
            description="When it was given, RFC 3339",
            examples=["2026-10-01T09:30:00Z"],
            json_schema_extra={"format": "date-time"},
        ),
    ]
    rate: Rate
    source: RateSource


@with_config(STRICT)
class ExchangeData(TypedDict):
    """Of a payment across currencies: what its beneficiaries are credited with, and the quote between that and the
    payment's own amount, which must agree."""

    amount_minor: AmountMinor
    currency: Currency
    quote: QuoteData


@with_config(STRICT)
class ExchangedData(TypedDict):
    """Of a step of a payment across currencies, and needed there. How much it is follows from what was captured."""

    currency: Annotated[Currency, Field(description="That of the beneficiaries' parts")]


@with_config(STRICT)
class PaymentIntentCreatedV1(TypedDict):
    """Somebody is about to pay. Recorded, without entries."""

    amount_minor: AmountMinor
    currency: Currency
    method: Method
    payment_id: Identifier


@with_config(STRICT)
class PaymentAuthorizationExpiredV1(TypedDict):
    """The promise has lapsed: nothing more is captured. Recorded, without entries."""

    payment_id: Identifier
    reason: NotRequired[Reason]


@with_config(STRICT)
class PaymentCaptureFailedV1(TypedDict):
    """One attempt to take the amount failed; another may follow. Recorded, without entries."""

    failure_reason: FailureReason
    payment_id: Identifier


@with_config(STRICT)
class PaymentFailedV1(TypedDict):
    """Nothing was taken, and nothing will be. Recorded, without entries."""

    failure_reason: FailureReason
    payment_id: Identifier


@with_config(STRICT)
class PaymentAuthorizedV1(TypedDict):
    """The payer's bank promised an amount. Recorded, without entries."""

    amount_minor: AmountMinor
    currency: Currency
    method: Method
    payment_id: Identifier


@with_config(STRICT)
class PaymentCapturedV1(TypedDict):
    """The amount was taken, from the processor or from the wallet of `payer`; or in cash, with `method`
    `cash_on_delivery`, by whoever delivered, which somebody confirmed.

    What the beneficiaries do not account for goes to the suspense of the order. With an `exchange` they are credited in
    another currency, and their parts are of the exchanged amount.
    """

    amount_minor: AmountMinor
    beneficiaries: NotRequired[Beneficiaries]
    confirmed_at: NotRequired[ConfirmedAt]
    confirmed_by: NotRequired[ConfirmedBy]
    currency: Currency
    custody: NotRequired[Custody]
    exchange: NotRequired[ExchangeData]
    gateway_response: NotRequired[GatewayResponse]
    gateway_transaction_id: NotRequired[GatewayTransactionId]
    method: Method
    partial: NotRequired[Partial]
    payer: NotRequired[AccountCode]
    payment_id: Identifier


@with_config(STRICT)
class PaymentVoidedV1(TypedDict):
    """The payment was called off: before its capture nothing posts, after it the captures are mirrored."""

    payment_id: Identifier
    reason: NotRequired[Reason]


@with_config(STRICT)
class PaymentRefundedV1(TypedDict):
    """Money went back to the payer, in one step; the beneficiaries bear it as they would have received it."""

    amount_minor: AmountMinor
    beneficiaries: NotRequired[Beneficiaries]
    currency: Currency
    exchange: NotRequired[ExchangedData]
    payer: NotRequired[AccountCode]
    payment_id: Identifier
    platform_fee: NotRequired[PlatformFee]
    refund_id: Identifier


@with_config(STRICT)
class PayoutPaidV1(TypedDict):
    """A seller's money left through the bank."""

    account: AccountCode
    amount_minor: AmountMinor
    currency: Currency
    payout_id: Identifier


EventData = PaymentAuthorizedV1 | PaymentCapturedV1 | PaymentVoidedV1 | PaymentRefundedV1 | PayoutPaidV1
