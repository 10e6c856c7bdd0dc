"""Payments: per order key the places of its events in the log, and of a payment its sums and its state."""
