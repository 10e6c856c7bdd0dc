"""PostgreSQL: the event store, and the one transaction that writes it."""
