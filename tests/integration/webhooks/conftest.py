"""A shop that takes webhooks of every processor."""

from collections.abc import Iterator

import pytest

from tests.support.databases import TestDatabase
from tests.support.webhook_shop import WebhookShop, opened_shop


@pytest.fixture
def shop(database: TestDatabase) -> Iterator[WebhookShop]:
    with opened_shop(database) as shop:
        yield shop
