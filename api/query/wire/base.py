"""What all answers are made of: amounts as digits with currency and scale, sides by name."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from projections.queries import amounts

Digits = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,37})$", examples=["10000"])]
Position = Annotated[int, Field(ge=0, description="Place in the log of the book")]
NextCursor = Annotated[str | None, Field(description="Cursor of the next page; null on the last one")]


class Wire(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True)


class Amount(Wire):
    """Never signed; whole units are amount_minor / 10 ** scale."""

    amount_minor: Digits
    currency: Annotated[str, Field(examples=["BRL"])]
    scale: Annotated[int, Field(ge=0, le=9)]

    @classmethod
    def of(cls, amount: amounts.Amount) -> Self:
        return cls(amount_minor=str(amount.minor), currency=amount.currency, scale=amount.scale)


class Balance(Amount):
    """An amount and the side on which it stands; `none` only when it is zero."""

    side: Literal["debit", "credit", "none"]

    @classmethod
    def at(cls, balance: amounts.Balance) -> Self:
        amount = balance.amount
        return cls(
            amount_minor=str(amount.minor), currency=amount.currency, scale=amount.scale, side=balance.side.value
        )
