"""Webhook events, version 1: what became of what a processor sent, and how an endpoint does. The ledger publishes them.

The `subject` of a webhook is its endpoint and number, that of an endpoint's health its name and the aspect.
"""

from typing import Annotated, Literal

from pydantic import Field, with_config
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from schemas.events.payments import STRICT

Endpoint = Annotated[
    str, Field(description="Last part of the address that the processor posts to", examples=["stripe"])
]
Number = Annotated[int, Field(ge=1, description="Of the webhook at its endpoint: 1, 2, 3 … without gaps")]


@with_config(STRICT)
class WebhookReceivedV1(TypedDict):
    """A webhook was verified and stored, before it was answered."""

    endpoint: Endpoint
    event_id: Annotated[str, Field(description="The processor's own id of it")]
    masked: Annotated[int, Field(ge=0, description="How many card numbers and verification values were masked")]
    number: Number
    webhook_type: Annotated[str, Field(description="The processor's own name for what it says")]


@with_config(STRICT)
class WebhookDuplicateDroppedV1(TypedDict):
    """A webhook came again: it was answered like the first, and dropped."""

    copy: Annotated[int, Field(ge=2, description="How often it has come by now")]
    endpoint: Endpoint
    number: Number


@with_config(STRICT)
class PublishedEvent(TypedDict):
    """One event on the payments topic."""

    id: str
    order_key: str
    type: str


@with_config(STRICT)
class WebhookProcessedV1(TypedDict):
    """A webhook became events on the payments topic, or there is a name for why it did not."""

    attempt: Annotated[int, Field(ge=1, description="1, and one more for each replay")]
    code: Annotated[str, Field(description="Why there is no event, such as `NO_EVENT_TYPE`; empty where there is one")]
    detail: Annotated[str, Field(description="Which member is missing or wrong")]
    endpoint: Endpoint
    events: Annotated[list[PublishedEvent], Field(description="In their order")]
    number: Number
    outcome: Literal["PUBLISHED", "RECORDED", "UNMAPPABLE"]


@with_config(STRICT)
class WebhookForgottenV1(TypedDict):
    """The body of a webhook is no longer kept."""

    bytes: Annotated[int, Field(ge=1, description="How long the body was")]
    endpoint: Endpoint
    number: Number
    reason: str
    requested_by: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="Of the body")]


@with_config(STRICT)
class AdapterHealthChangedV1(TypedDict):
    """One aspect of an endpoint began to fail, or is well again."""

    aspect: Annotated[
        Literal["signatures", "mapping", "publishing"],
        Field(description="Several signatures in a row refused; the latest webhook not mapped; the topic not reached"),
    ]
    change: Annotated[int, Field(ge=1, description="Which change of this aspect it is: the highest counts")]
    endpoint: Endpoint
    healthy: bool
    reason: Annotated[str, Field(description="The code of what fails; empty when it is well")]
