"""The embedded log: the transport in the same PostgreSQL as the ledger, for one machine and the demo.

No broker, no Java: topics, partitions, offsets and groups are rows of the schema `transport`, appended in
commit order without gaps, so that it keeps what Kafka promises and passes the same contract suite.
"""

from consumers.transport.postgres_log.admin import PostgresLogAdmin
from consumers.transport.postgres_log.sink import PostgresLogSink
from consumers.transport.postgres_log.source import PostgresLogSource

__all__ = ["PostgresLogAdmin", "PostgresLogSink", "PostgresLogSource"]
