"""From stored webhooks to the payments topic."""
