"""How processors sign their webhooks and what they call them: one module each."""
