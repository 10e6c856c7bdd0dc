"""Day roll-ups: sums by effective day over full stretches of an account's entries, for balances in two times."""
