"""Proof that the store is whole: everything is folded again from the log and compared with what stands there."""

from ledger_core.store.verify.report import CHECKS, Check, VerifyReport
from ledger_core.store.verify.run import verify, verify_checkpoints
from ledger_core.store.verify.trust import EVERYTHING, TRUST_NOTHING, Since, Trust

__all__ = [
    "CHECKS",
    "EVERYTHING",
    "TRUST_NOTHING",
    "Check",
    "Since",
    "Trust",
    "VerifyReport",
    "verify",
    "verify_checkpoints",
]
