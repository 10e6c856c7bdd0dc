"""Marketplace events, version 1: whether a beneficiary may be paid out. Its payments are those of `payments.py`.

The `subject` is the beneficiary: its profiles stay in order. Fields stand in alphabetical order, as in `payments.py`.
"""

from typing import Annotated, Literal, NotRequired

from pydantic import AfterValidator, Field, StringConstraints, with_config
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from schemas.events.accounts import Code
from schemas.events.payments import STRICT, Identifier
from schemas.iban import is_iban


def _checked(iban: str) -> str:
    if not is_iban(iban):
        raise ValueError("is no IBAN: its form or its check digits are wrong")
    return iban


Iban = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$"),
    AfterValidator(_checked),
    Field(
        description="With its check digits; the ledger keeps no more than the ends of it",
        examples=["GE29NB0000000101904917"],
    ),
]
Uuid = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
    Field(description="In lower case", examples=["01890a5d-ac96-774b-bcce-b302099a8057"]),
]
Rail = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$"),
    Field(description="How money can be sent there", examples=["sepa_instant"]),
]


@with_config(STRICT)
class BankAccountRef(TypedDict):
    """Where the money is to go, by one or more names of it: the publisher's user or branch, an IBAN, or an id."""

    branch: NotRequired[Identifier]
    iban: NotRequired[Iban]
    user: NotRequired[Identifier]
    uuid: NotRequired[Uuid]


def _named(ref: BankAccountRef) -> BankAccountRef:
    if not ref:
        raise ValueError("names no account")
    return ref


@with_config(STRICT)
class SettlementProfileUpdatedV1(TypedDict):
    """Whether a beneficiary may be paid out, and how. Recorded: the last one stands; captures that waited go on."""

    bank_account_ref: NotRequired[
        Annotated[BankAccountRef, AfterValidator(_named), Field(json_schema_extra={"minProperties": 1})]
    ]
    beneficiary: Code
    rails: NotRequired[Annotated[list[Rail], Field(max_length=20)]]
    status: Literal["PENDING", "VERIFIED", "REJECTED", "SUSPENDED"]
