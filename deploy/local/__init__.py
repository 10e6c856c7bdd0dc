"""PostgreSQL and Apache Kafka on this machine, from binaries and jars in a user cache: no Docker, no root."""
