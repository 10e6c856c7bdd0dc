"""The database schema: numbered migrations and the runner that applies them."""
