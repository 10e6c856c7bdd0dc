"""The read side's questions, one function each.

They answer from one snapshot of one book, and name its position.
"""
