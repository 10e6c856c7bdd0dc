"""The whole pipeline on one machine, as `demo` and `up` run it."""
