"""Trial balance by day: debits and credits per UTC day of effective_at, currency and account type."""
