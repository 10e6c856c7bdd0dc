"""Which log a process talks to: settings choose an adapter, the consumers do not know which."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from consumers.settings import ProcessSettings
from consumers.transport.admin import TopicAdmin
from consumers.transport.kafka import KafkaAdmin, KafkaSecurity, KafkaSink, KafkaSource
from consumers.transport.ports import Sink, Source
from consumers.transport.postgres_log import PostgresLogAdmin, PostgresLogSink, PostgresLogSource
from ledger_core.store.connection import Role, dsn_for_role

PAYMENTS_FETCH_BYTES: Final = 1024 * 1024
LEDGER_FETCH_BYTES: Final = 8 * 1024 * 1024
"""Of one partition at once. A book of the ledger's topic is in one, so that is all that a projector's batch can hold:
with a mebibyte some 1,200 events, and rows of accounts and days that are written eight times as often."""


@dataclass(frozen=True, slots=True)
class EmbeddedTransport:
    """The log in the same PostgreSQL, as the role of whoever uses it."""

    dsn: str

    def source(self, topics: Sequence[str], group: str, role: Role) -> Source:
        return PostgresLogSource(dsn_for_role(self.dsn, role), topics, group, client_id=group)

    def sink(self, client_id: str, role: Role) -> Sink:
        return PostgresLogSink(dsn_for_role(self.dsn, role), client_id=client_id)

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[TopicAdmin]:
        admin = PostgresLogAdmin(self.dsn)
        try:
            yield admin
        finally:
            await admin.close()


@dataclass(frozen=True, slots=True)
class KafkaTransport:
    """Apache Kafka. Who may do what is the cluster's to say: a role says no more here than which topics are read."""

    bootstrap: str
    security: KafkaSecurity

    def source(self, topics: Sequence[str], group: str, role: Role) -> Source:
        return KafkaSource(
            self.bootstrap, topics, group, client_id=group, security=self.security,
            max_partition_fetch_bytes=LEDGER_FETCH_BYTES if role is Role.PROJECTOR else PAYMENTS_FETCH_BYTES,
        )  # fmt: skip

    def sink(self, client_id: str, _role: Role) -> Sink:
        return KafkaSink(self.bootstrap, client_id=client_id, security=self.security)

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[TopicAdmin]:
        yield KafkaAdmin(self.bootstrap, security=self.security)  # connects for each call


Transport = EmbeddedTransport | KafkaTransport


def choose_transport(settings: ProcessSettings) -> Transport:
    """The transport that the settings name."""
    if settings.broker == "embedded":
        return EmbeddedTransport(settings.postgres_dsn.get_secret_value())
    return KafkaTransport(settings.kafka_bootstrap, _security(settings))


def _security(settings: ProcessSettings) -> KafkaSecurity:
    context = None
    if settings.kafka_security_protocol.endswith("SSL"):
        context = ssl.create_default_context(cafile=settings.kafka_ca_file)
    password = settings.kafka_password
    return KafkaSecurity(
        protocol=settings.kafka_security_protocol,
        ssl_context=context,
        sasl_mechanism=settings.kafka_sasl_mechanism,
        username=settings.kafka_username,
        password=password.get_secret_value() if password else None,
    )
