"""The table of processors: to add one is a module, a row here, and how its webhooks are verified (`api/webhooks`)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from consumers.processors import adyen, cloud_events, paypal, stripe
from consumers.processors.model import Adapter

ADAPTERS: Final[Mapping[str, Adapter]] = MappingProxyType({
    stripe.NAME: stripe.map_webhook,
    adyen.NAME: adyen.map_webhook,
    paypal.NAME: paypal.map_webhook,
    cloud_events.NAME: cloud_events.map_webhook,
})  # fmt: skip
