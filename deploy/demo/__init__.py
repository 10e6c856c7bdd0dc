"""Input for demonstrations: a marketplace month from a seed, and the public Olist files as payment events."""
