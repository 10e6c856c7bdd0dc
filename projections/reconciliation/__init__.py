"""Reconciliation: checks over the ledger, and the life cycle of what they find.

It detects; it never repairs.
"""

from projections.reconciliation.checks import CHECKS, Check, Scope
from projections.reconciliation.scan import ScanConflictError, ScanResult, UnknownBookError, scan

__all__ = ["CHECKS", "Check", "ScanConflictError", "ScanResult", "Scope", "UnknownBookError", "scan"]
