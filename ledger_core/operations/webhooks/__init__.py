"""Webhooks of payment processors: stored before they are answered, published again on request, forgotten in time."""
