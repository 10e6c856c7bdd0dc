"""What people ask of the ledger: commands, each one transaction, each with its reason in the log."""
