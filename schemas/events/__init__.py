"""The upstream events that the ledger understands: one typed dictionary per type and version."""
