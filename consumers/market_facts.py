"""Turns validated data of marketplaces into the core's facts."""

from ledger_core.domain.notices import SettlementProfileUpdated
from schemas.events.marketplace import BankAccountRef, SettlementProfileUpdatedV1
from schemas.iban import masked


def settlement_profile_updated(data: SettlementProfileUpdatedV1) -> SettlementProfileUpdated:
    ref = data.get("bank_account_ref")
    return SettlementProfileUpdated(
        data["beneficiary"], data["status"], tuple(data.get("rails", ())), _may_be_kept(ref) if ref else {}
    )


def _may_be_kept(ref: BankAccountRef) -> dict[str, str]:
    """Without the middle of an IBAN: the log is for ever, and decides nothing on it."""
    kept: dict[str, str] = {name: str(value) for name, value in ref.items()}
    if "iban" in kept:
        kept["iban"] = masked(kept["iban"])
    return kept
