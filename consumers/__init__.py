"""Every process that moves events: payments consumer, relay, projector."""
