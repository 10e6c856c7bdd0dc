"""Proof that the store is whole: everything is folded again from the log and compared with what stands there."""

from ledger_core.store.verify.report import CHECKS, Check, VerifyReport
from ledger_core.store.verify.run import verify

__all__ = ["CHECKS", "Check", "VerifyReport", "verify"]
