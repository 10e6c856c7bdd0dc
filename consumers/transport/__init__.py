"""How records come in and go out: two ports and three adapters that pass one contract suite."""
