"""What money is counted in, as a process knows it: ids by code, asked for again when a new one turns up."""

from typing import Any

import psycopg

from ledger_core.store.named_sql import load_queries

QUERIES = load_queries("ledger_core.store", "books.sql")


class Assets(dict[str, int]):
    """Asset ids by code, and 0 for the empty code of a fact without a currency.

    Assets are added while processes run, and never change: `assets[code]` asks the store for one that is not here,
    and raises KeyError when the store has none either. `in` and `get` do not ask.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__()
        self._connection = connection
        self.scales = Scales(self)

    def load(self) -> None:
        with self._connection.transaction():
            self.update(self._connection.execute(QUERIES["assets"]).fetchall())
            self.scales.update(self._connection.execute(QUERIES["scales"]).fetchall())
        self[""] = 0

    def __missing__(self, code: str) -> int:
        self.load()
        if code not in self:
            raise KeyError(code)
        return self[code]


class Scales(dict[str, int]):
    """Decimals of assets by code, asked for again likewise."""

    def __init__(self, assets: Assets) -> None:
        super().__init__()
        self._assets = assets

    def __missing__(self, code: str) -> int:
        self._assets.load()
        if code not in self:
            raise KeyError(code)
        return self[code]
