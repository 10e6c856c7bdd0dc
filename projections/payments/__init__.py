"""Payment status: per order key, what was authorised, captured, refunded, called off and paid out."""
