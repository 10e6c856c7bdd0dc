"""Everything that can be wrong with an event, one fault a code, so that any two can be put into one event.

`record.EARLY` are faults of the record and its data, which any message can have. A carrier of `table.CARRIERS` is an
event that is right, and what else can be wrong with it: with its order key, its accounts, their limits, its time. Each
fault leaves the others room; those that cannot meet in one event stand in `table.APART`.
"""
