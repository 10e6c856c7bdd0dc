"""Opening balances from CSV: `account,type,side,amount_minor,currency`, or `amount` with decimals instead.

An account has one opening balance: its code is the event's id, so a file read twice posts nothing, a file that
has grown posts what is new, and another amount for an account that was opened is an IDEMPOTENCY_CONFLICT.
"""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from consumers.imports.amounts import AmountError, number_of
from consumers.imports.model import Amount, Fault, ImportFaultsError
from consumers.imports.plan import ConversionError, Line, Plan, minor_units, opposite
from ledger_core.domain.charts import ACCOUNT_TYPES, CONTROL_PREFIX, AccountType
from ledger_core.domain.money import MAX_AMOUNT_MINOR

SOURCE: Final = "import:opening"
KIND: Final = "opening_balance"
COLUMNS: Final = ("account", "type", "side", "currency")
AMOUNTS: Final = ("amount_minor", "amount")

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,199}")
_MINOR: Final = re.compile(r"[1-9][0-9]{0,17}")

Row = Mapping[str, str]


def opening_account(currency: str) -> str:
    """What the opening balances of a currency are balanced against."""
    return f"equity:opening:{currency}"


def plan_opening(
    lines: Sequence[str],
    *,
    book: str,
    time: str,
    scales: Mapping[str, int],
    effective_at: str = "",
    demand_balanced: bool = False,
) -> Plan:
    """The plan for such a file: one voucher a row. Raises `ImportFaultsError` with every bad row.

    `time` is that of the events; an `effective_at` is part of what they say: told otherwise later it is a conflict.
    With `demand_balanced` the rows of each currency have to sum to nothing among themselves: IMPORT_UNBALANCED.
    """
    plan = Plan(book, SOURCE)
    data = {"kind": KIND} | ({"effective_at": effective_at} if effective_at else {})
    out: Counter[str] = Counter()
    last_line = 1
    for number, row in _rows(lines):
        last_line = number
        line = _line(number, row, scales, plan)
        if line is None:
            continue
        out[line.currency] += line.amount_minor if line.side == "debit" else -line.amount_minor
        equity = opening_account(line.currency)
        plan.want(number, equity, "equity", line.currency)
        against = Line(equity, opposite(line.side), line.amount_minor, line.currency)
        plan.ask(number, line.account, time, data, [line, against])
    if plan.faults:
        raise ImportFaultsError(plan.faults)
    faults = [
        Fault(last_line, f"debits less credits in {currency}: {minor} minor units")
        for currency, minor in sorted(out.items())
        if minor
    ]
    if demand_balanced and faults:
        raise ImportFaultsError(faults, "IMPORT_UNBALANCED")
    return plan


def _rows(lines: Sequence[str]) -> list[tuple[int, Row]]:
    """Rows by the columns that the first line names, with their line numbers. Raises `ImportFaultsError`."""
    reader = csv.reader((line + "\n" for line in lines), strict=True)
    rows: list[tuple[int, Row]] = []
    faults: list[Fault] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        if sorted(header) not in [sorted([*COLUMNS, amount]) for amount in AMOUNTS]:
            wanted = ",".join((*COLUMNS[:3], "amount_minor", COLUMNS[3]))
            raise ImportFaultsError([Fault(1, f"the columns are not {wanted} (or amount for amount_minor)")])
        for cells in reader:
            if len(cells) == len(header):
                rows.append((reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
            elif cells:
                faults.append(Fault(reader.line_num, f"{len(cells)} cells instead of {len(header)}"))
    except csv.Error as error:
        faults.append(Fault(reader.line_num, f"no CSV: {error}"))
    if faults:
        raise ImportFaultsError(faults)
    if not rows:
        raise ImportFaultsError([Fault(1, "there is no row below the columns")])
    return rows


def _line(number: int, row: Row, scales: Mapping[str, int], plan: Plan) -> Line | None:
    """The row's own line, its account remembered; None, with every fault noted, where it is not right."""
    faults = len(plan.faults)
    code, currency, equity = row["account"], row["currency"], opening_account(row["currency"])
    kind: AccountType | None = next((known for known in ACCOUNT_TYPES if known == row["type"]), None)
    checks = (
        (_CODE.fullmatch(code) is None or code.startswith(CONTROL_PREFIX), f"{code!r:.60} is no code of an account"),
        (code == equity, f"account {code} is what all others are balanced against"),
        (code != equity and code in plan.accounts, f"account {code} has an opening balance further up"),
        (kind is None, f"{row['type']!r:.30} is none of {', '.join(ACCOUNT_TYPES)}"),
        (row["side"] not in ("debit", "credit"), f"{row['side']!r:.30} is neither debit nor credit"),
        (currency not in scales, f"{currency!r:.30} is no asset of this ledger"),
    )
    plan.faults += [Fault(number, text) for wrong, text in checks if wrong]
    try:
        minor = _minor(row, scales.get(currency, 0))
    except (AmountError, ConversionError) as error:
        plan.faults.append(Fault(number, str(error)))
        return None
    if kind is None or len(plan.faults) > faults:
        return None
    plan.want(number, code, kind, currency)
    return Line(code, row["side"], minor, currency)


def _minor(row: Row, scale: int) -> int:
    if "amount_minor" in row:
        if _MINOR.fullmatch(row["amount_minor"]) is None:
            raise AmountError(
                f"{row['amount_minor']!r:.40} is no amount in minor units: digits, 1 to {MAX_AMOUNT_MINOR}"
            )
        return int(row["amount_minor"])
    number = number_of(row["amount"], lone_comma_groups=False)
    minor = minor_units(Amount(number, row["currency"]), scale)
    if number <= Decimal(0):
        raise AmountError("an opening balance is above zero; the side says which way")
    return minor
