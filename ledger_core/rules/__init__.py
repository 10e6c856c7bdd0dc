"""Posting rules: from a payment fact to the lines of a voucher. Pure; one file per business subject."""
