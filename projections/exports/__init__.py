"""A book as text that other programs read: plain-text accounting journals and CSV, from one snapshot at one position.

Judges are such programs: they add up the same vouchers with code that is not ours.
"""
