"""The transport on Apache Kafka. Nothing outside this package imports the client library."""

from consumers.transport.kafka.admin import KafkaAdmin
from consumers.transport.kafka.client import KafkaSecurity
from consumers.transport.kafka.sink import KafkaSink
from consumers.transport.kafka.source import KafkaSource

__all__ = ["KafkaAdmin", "KafkaSecurity", "KafkaSink", "KafkaSource"]
