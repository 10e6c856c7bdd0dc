"""Beneficiaries: what each account earned by payments, and what of it went back, was kept, or was paid out."""
