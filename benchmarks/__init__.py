"""Side-by-side measurements of the hot paths: `python -m benchmarks`, or `make bench`."""
