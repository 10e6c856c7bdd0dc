"""Webhooks of payment processors: stored before they are answered, and asked to be published again."""
