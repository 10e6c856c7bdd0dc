"""Books that were kept elsewhere, as events: opening balances from CSV, plain-text journals."""
