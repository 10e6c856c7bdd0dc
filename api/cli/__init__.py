"""`ledgerctl`: every command of the ledger, and the composition root of what they need."""
