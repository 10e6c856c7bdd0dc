"""Four books kept in plain text, with the balances that hledger and beancount computed of them."""

import csv
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from consumers.imports.names import Naming
from ledger_core.domain.charts import AccountType

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "pta_hledger_bench_ledger_standard_beancount_example.tar.xz"
needs_data = pytest.mark.skipif(not ARCHIVE.exists(), reason=f"PLAIN-TEXT BOOKS NOT TESTED: {ARCHIVE} is not there")


@dataclass(frozen=True, slots=True)
class PlainTextBook:
    """One of them: which file, whose format, and what its symbols and account names leave open."""

    name: str
    file: str
    format: str
    transactions: int
    commodities: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, AccountType] = field(default_factory=dict)

    @property
    def naming(self) -> Naming:
        return Naming(self.commodities, self.types)

    def text(self) -> str:
        return member(self.file)

    def balances(self) -> dict[str, Decimal]:
        """What its program says that accounts hold, by our account codes; those that hold nothing are left out."""
        rows = list(csv.reader(member(f"out/{self.name}_balances.csv").splitlines()))[1:]
        named = {
            self.naming.account(account.strip(), self.naming.asset(commodity.strip())): Decimal(number.strip())
            for account, commodity, number in rows
        }
        return {code: number for code, number in named.items() if number}


@cache
def member(name: str) -> str:
    with tarfile.open(ARCHIVE) as archive:
        found = next(one for one in archive.getmembers() if one.name.endswith(f"pta/{name}"))
        file = archive.extractfile(found)
        assert file is not None
        return file.read().decode()


BOOKS = (
    PlainTextBook("bc_example", "bc_example.beancount", "beancount", 1_146),
    PlainTextBook("hl_bcexample", "hl_bcexample.journal", "hledger", 1_035),
    PlainTextBook("lg_standard", "lg_standard.dat", "ledger", 1_347, {"$": "USD"}, {"*": "asset"}),
    PlainTextBook("hl_10000x1000x10", "hl_10000x1000x10.journal", "hledger", 10_000, {"": "UNITS"}, {"*": "asset"}),
)
