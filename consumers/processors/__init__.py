"""What processors say in their webhooks, in the ledger's words: one pure adapter each, and the table of them."""
