"""The query API: read-only HTTP over `projections.queries`."""
