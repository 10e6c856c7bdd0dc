"""Books of merchants, given and taken as change data capture does."""

import json
from importlib.resources import files

from ledger_core.domain.merchants import MerchantChanged, MerchantStatus
from ledger_core.operations.merchants import ChangePlace, apply_change
from ledger_core.store.connection import Role, connect

CHART: dict[str, object] = json.loads((files("schemas") / "charts" / "marketplace.json").read_text("utf-8"))


def change_merchant(dsn: str, book: str, status: MerchantStatus, offset: int) -> None:
    """The change at this offset of the merchants' topic."""
    with connect(dsn, Role.POSTER) as connection:
        place = ChangePlace("shop.public.merchants", 0, 1, offset)
        apply_change(connection, MerchantChanged(book, book, status), place, CHART)


def drop_book(dsn: str, book: str) -> None:
    """A merchant's book, opened if there is none, and dropped."""
    change_merchant(dsn, book, MerchantStatus.ACTIVE, 0)
    change_merchant(dsn, book, MerchantStatus.DROPPED, 1)
