"""Add what money is counted in: the asset's row and the event that says so, in one transaction.

An asset belongs to no book, so its event stands in the log of the system book. What an asset is never changes:
its scale says what every amount ever stored of it means.
"""

import re
from dataclasses import dataclass
from typing import Final

import orjson
import psycopg

from ledger_core.store.appender import NewEvent, append_events
from schemas.card_data import mask_text

ASSET_ADDED: Final = "asset.added"
SYSTEM_BOOK_ID: Final = 0
MAX_SCALE: Final = 9
MAX_NAME_LENGTH: Final = 100

CODE: Final = re.compile(r"[A-Z][A-Z0-9]{1,11}")
INSERT: Final = """
INSERT INTO ledger.asset (asset_id, code, scale, name) VALUES (nextval('ledger.asset_id'), %s, %s, %s)
ON CONFLICT (code) DO NOTHING RETURNING asset_id"""
KNOWN: Final = "SELECT scale, name FROM ledger.asset WHERE code = %s"


class AssetCommandError(Exception):
    """A command that cannot be done; nothing was written. `code` is stable, the text is for people.

    AssetInvalidError, CurrencyExistsError
    """

    code = "ASSET_COMMAND_REFUSED"


class AssetInvalidError(AssetCommandError):
    """No asset can have such a code, scale or name."""

    code = "ASSET_INVALID"


class CurrencyExistsError(AssetCommandError):
    """There is an asset of this code already; it stays what it is."""

    code = "CURRENCY_EXISTS"


@dataclass(frozen=True, slots=True)
class Asset:
    """What amounts are counted in: `scale` decimals, so 10^scale minor units make a whole one."""

    asset_id: int
    code: str
    scale: int
    name: str


def add_asset(connection: psycopg.Connection, code: str, *, scale: int, name: str, reason: str) -> Asset:
    """Adds an asset in the caller's transaction, as the poster role. Raises `AssetCommandError`.

    Running processes know it as soon as an event names it.
    """
    _check(code, scale, name)
    row = connection.execute(INSERT, (code, scale, name)).fetchone()
    if row is None:
        known = connection.execute(KNOWN, (code,)).fetchone()
        scale_known, name_known = known or ("?", "?")
        raise CurrencyExistsError(f"{code} exists already: {name_known}, {scale_known} decimals")
    asset = Asset(int(row[0]), code, scale, name)
    said = {"code": code, "asset_id": asset.asset_id, "scale": scale, "name": name, "reason": mask_text(reason)}
    append_events(connection, SYSTEM_BOOK_ID, [NewEvent(ASSET_ADDED, orjson.dumps(said))])
    return asset


def _check(code: str, scale: int, name: str) -> None:
    if CODE.fullmatch(code) is None:
        raise AssetInvalidError(f"{code!r:.40} is no code: 2 to 12 upper-case letters and digits, a letter first")
    if not 0 <= scale <= MAX_SCALE:
        raise AssetInvalidError(f"a scale of {scale}: an asset has 0 to {MAX_SCALE} decimals")
    if not (name.strip() and name.isprintable() and len(name) <= MAX_NAME_LENGTH):
        raise AssetInvalidError(f"the name is empty, not printable or longer than {MAX_NAME_LENGTH}")
