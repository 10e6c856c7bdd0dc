"""Daily balances: debits, credits and entries of each account per UTC day of effective_at."""
