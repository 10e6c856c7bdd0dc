"""The read side: folds of the log into read models, their rebuild, queries, and reconciliation."""
