"""The table of processors: to add one is a module, a row here, and how its webhooks are verified (`api/webhooks`)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from consumers.processors import adyen, adyen_fields, cloud_events, paypal, paypal_fields, stripe, stripe_fields
from consumers.processors.model import Adapter

ADAPTERS: Final[Mapping[str, Adapter]] = MappingProxyType({
    stripe_fields.NAME: stripe.map_webhook,
    adyen_fields.NAME: adyen.map_webhook,
    paypal_fields.NAME: paypal.map_webhook,
    cloud_events.NAME: cloud_events.map_webhook,
})  # fmt: skip
