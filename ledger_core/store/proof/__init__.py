"""What convinces someone who does not trust this database: signed checkpoints, and proofs that are checked offline."""
