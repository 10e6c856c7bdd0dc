"""What is kept of the record of an event that was refused: no card number, no verification value, and of bank accounts
the ends alone, once nothing waits any more.

What waits is read anew when it heals, and says then what it said at first, for its fingerprint is of what is kept.
"""

import re
from typing import Final

from psycopg.types.json import Jsonb

from ledger_core.domain.incoming import SYSTEM_BOOK, Record
from ledger_core.domain.outcomes import Outcome
from ledger_core.store.headers import headers_to_rows
from ledger_core.store.items import Item
from schemas.card_data import mask_bytes, mask_text
from schemas.kept import masked_headers, masked_key, masked_value, masked_whole

# By their names alone: such bytes need not be what they should be, nor even JSON.
_NAMED: Final = re.compile(rb'("(?:iban|bank_account_ref)"\s*:\s*")((?:[^"\\]|\\.)*)', re.IGNORECASE | re.DOTALL)
_PLAIN: Final = re.compile(rb"[A-Za-z0-9 ]{15,}")
_SHOWN: Final = 4
"""Of a number as long as any is: the ends that the log keeps of a good one, too."""


def kept_of(item: Item) -> dict[str, object]:
    """Key, value and headers of its dead letter."""
    event, record = item.incoming, item.incoming.record
    waits = item.outcome is Outcome.PARKED
    if event.book == SYSTEM_BOOK and not waits:
        return _nothing_but_ends(record)
    value = record.value and masked_value(record.value, record.headers, event.event_type).document
    return {
        "key": masked_key(record.key, event.order_key),
        "value": value if waits else without_accounts(value),
        "headers": Jsonb(headers_to_rows(masked_headers(record.headers))),
    }


def _nothing_but_ends(record: Record) -> dict[str, object]:
    """Of a record that stands under its coordinates: nothing of it is compared any more."""
    return {
        "key": record.key and mask_bytes(record.key),
        "value": without_accounts(record.value and masked_whole(record.value)),
        "headers": Jsonb(
            headers_to_rows([(mask_text(name), value and mask_bytes(value)) for name, value in record.headers])
        ),
    }


def without_accounts(value: bytes | None) -> bytes | None:
    """The same bytes, with stars in the place of what may not be kept."""
    return value and _NAMED.sub(_masked, value)


def _masked(found: re.Match[bytes]) -> bytes:
    name, text = found[1], found[2]
    shown = _SHOWN if _PLAIN.fullmatch(text) else 0
    return name + text[:shown] + b"*" * (len(text) - 2 * shown) + text[len(text) - shown :]
