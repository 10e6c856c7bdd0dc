"""The write side: what may be posted, and the one transaction that posts it. No Kafka, no HTTP."""
