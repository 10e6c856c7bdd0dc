"""Account events, version 1: an account opens, is frozen and unfrozen, and closes.

The `subject` of each is the code of the account: its events stay in order. Fields stand in alphabetical order.
"""

from typing import Annotated, Literal, NotRequired

from pydantic import AfterValidator, Field, StringConstraints, with_config
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from schemas.events.payments import STRICT, Currency
from schemas.events.texts import FREE_TEXT


def _is_no_role(code: str) -> str:
    if code.startswith("control:"):
        raise ValueError("names a role; say the account's own code")
    return code


Code = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,199}$"),
    AfterValidator(_is_no_role),
    Field(description="Code of the account; the `subject` of the event says the same", examples=["wallet:seller:42"]),
]
Because = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", min_length=1, max_length=500),
    Field(description="For people", examples=["reported stolen"]),
    FREE_TEXT,
]
RequestedBy = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", min_length=1, max_length=200),
    Field(description="Who asked for it", examples=["anna"]),
    FREE_TEXT,
]
SignedMinor = Annotated[
    str,
    StringConstraints(pattern=r"^(0|-?[1-9][0-9]{0,17})$"),
    Field(description="Minor units on the account's normal side, as ASCII digits", examples=["-50000"]),
]


@with_config(STRICT)
class LimitsData(TypedDict):
    """What the account may hold. `deny` refuses what passes a limit, `warn` posts it and tells, `allow` informs."""

    maximum_minor: NotRequired[SignedMinor]
    minimum_minor: NotRequired[SignedMinor]
    policy: Literal["allow", "warn", "deny"]


def _possible(limits: LimitsData) -> LimitsData:
    low, high = limits.get("minimum_minor"), limits.get("maximum_minor")
    if low is not None and high is not None and int(low) > int(high):
        raise ValueError("the minimum is above the maximum")
    return limits


@with_config(STRICT)
class AccountOpenedV1(TypedDict):
    """An account opens. One that is open as said is left as it is; members that are absent may be anything then."""

    account: Code
    currency: Currency
    keyed: NotRequired[Annotated[bool, Field(description="Entries are kept per order key")]]
    limits: NotRequired[Annotated[LimitsData, AfterValidator(_possible)]]
    parent: NotRequired[Annotated[Code, Field(description="A group of the book's chart")]]
    requested_by: NotRequired[RequestedBy]
    role: NotRequired[
        Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$"), Field(description="For people and rules")]
    ]
    type: Literal["asset", "liability", "equity", "revenue", "expense"]


@with_config(STRICT)
class AccountFrozenV1(TypedDict):
    """An account takes no entries from here on; what needs it waits."""

    account: Code
    reason: Because
    requested_by: NotRequired[RequestedBy]


@with_config(STRICT)
class AccountUnfrozenV1(TypedDict):
    """An account takes entries again; what waited for it is decided."""

    account: Code
    reason: Because
    requested_by: NotRequired[RequestedBy]


@with_config(STRICT)
class ClosingData(TypedDict):
    """Where the rest of the balance goes."""

    to: Code


@with_config(STRICT)
class AccountClosedV1(TypedDict):
    """An account takes nothing for ever: at zero and without holds, or with a voucher that moves the rest."""

    account: Code
    closing: NotRequired[ClosingData]
    reason: Because
    requested_by: NotRequired[RequestedBy]
