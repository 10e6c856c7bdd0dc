"""Turns requests for vouchers by hand into facts: digits become integers, names of sides and purposes ours."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from types import MappingProxyType

from ledger_core.domain.quotes import Quote
from ledger_core.domain.references import VoidRequested
from ledger_core.domain.requests import (
    Adjustment,
    CompensationRequested,
    VoucherGroupRequested,
    VoucherRef,
    VoucherRequested,
)
from ledger_core.domain.splits import split_by_largest_remainder, split_by_ratios
from ledger_core.domain.vouchers import Line, Purpose, Side
from schemas.envelope import parse_time_us
from schemas.events import vouchers

_SIDES: Mapping[str, Side] = MappingProxyType({"debit": "D", "credit": "C"})
_PURPOSES: Mapping[str, int] = MappingProxyType({purpose.name.lower(): purpose.value for purpose in Purpose})


def voucher_requested(data: vouchers.VoucherRequestedV1) -> VoucherRequested:
    effective_at = data.get("effective_at")
    adjustment, compensates, quote = data.get("adjustment"), data.get("compensates"), data.get("quote")
    fact = VoucherRequested(
        kind=data["kind"],
        lines=[*(_line(line) for line in data["lines"]), *_parts(data.get("splits", ()))],
        effective_at_us=parse_time_us(effective_at) if effective_at is not None else None,
        memo=data.get("memo", ""),
        metadata=data.get("metadata", {}),
        adjustment=Adjustment(adjustment["reason"], adjustment["reference"]) if adjustment is not None else None,
        quote=Quote(**quote) if quote is not None else None,
        signed_off_by=data.get("signed_off_by", ()),
    )
    return fact if compensates is None else _compensating(fact, voucher_ref(compensates))


def _compensating(fact: VoucherRequested, ref: VoucherRef) -> CompensationRequested:
    said = {field.name: getattr(fact, field.name) for field in fields(fact)}
    return CompensationRequested(**said, compensates=ref)


def voucher_group_requested(data: vouchers.VoucherGroupRequestedV1) -> VoucherGroupRequested:
    return VoucherGroupRequested([voucher_requested(voucher) for voucher in data["vouchers"]])


def void_requested(data: vouchers.VoucherVoidRequestedV1) -> VoidRequested:
    return VoidRequested(
        voucher_ref(data["voucher"]), data["reason"], data.get("requested_by", ""), data.get("in_open_period", False)
    )


def voucher_ref(ref: vouchers.VoucherRef) -> VoucherRef:
    """By number or by event, as the reference says."""
    if "event_id" in ref:
        return VoucherRef(event_id=ref["event_id"], source=ref.get("source", ""))
    return VoucherRef(voucher_no=int(ref["voucher_no"]))


def currencies(data: vouchers.VoucherRequestedV1) -> set[str]:
    return {line["currency"] for line in (*data["lines"], *data.get("splits", ()))}


def currencies_of_group(data: vouchers.VoucherGroupRequestedV1) -> set[str]:
    return {currency for voucher in data["vouchers"] for currency in currencies(voucher)}


def _parts(splits: Iterable[vouchers.SplitData]) -> Iterator[Line]:
    """A line for each party of a split that gets something, in the order in which the event names them."""
    for split in splits:
        amount_minor, ratios = int(split["amount_minor"]), {one["account"]: one["ratio"] for one in split["among"]}
        if "remainder_to" in split:
            parts = split_by_ratios(amount_minor, ratios, remainder_to=split["remainder_to"])
        else:
            parts = split_by_largest_remainder(amount_minor, ratios)
        purpose = split.get("purpose")
        for account, part_minor in parts.items():
            if part_minor:
                side, currency = _SIDES[split["side"]], split["currency"]
                yield Line(account, side, part_minor, currency, _PURPOSES[purpose] if purpose is not None else 0)


def _line(line: vouchers.LineData) -> Line:
    purpose = line.get("purpose")
    return Line(
        line["account"],
        _SIDES[line["side"]],
        int(line["amount_minor"]),
        line["currency"],
        _PURPOSES[purpose] if purpose is not None else 0,
    )
