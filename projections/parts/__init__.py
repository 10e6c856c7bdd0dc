"""Refunds, chargebacks, settlements, payouts and fees: where each stands by its steps, and what it is about."""
