"""The same servers in containers, where Docker runs and somebody asks for them."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.local.errors import LocalServiceUnavailable
from deploy.local.processes import LOOPBACK, free_port

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18-alpine"
POSTGRES_PASSWORD = "only-on-this-machine"  # a throw-away server behind a loopback port


@contextmanager
def kafka_container() -> Iterator[str]:
    """Bootstrap servers of a broker in a container of its own, removed at the end."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    _require_docker()
    port = free_port()  # Kafka tells clients its address, so the outer port is chosen before it starts
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(9092, port)
    container.with_envs(
        KAFKA_NODE_ID="1",
        KAFKA_PROCESS_ROLES="broker,controller",
        KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9093",
        KAFKA_LISTENERS="PLAINTEXT://:9092,CONTROLLER://:9093",
        KAFKA_ADVERTISED_LISTENERS=f"PLAINTEXT://{LOOPBACK}:{port}",
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
        KAFKA_AUTO_CREATE_TOPICS_ENABLE="false",
    )
    with container.waiting_for(LogMessageWaitStrategy("Kafka Server started")):
        yield f"{LOOPBACK}:{port}"


@contextmanager
def postgres_container() -> Iterator[str]:
    """The DSN of a superuser of a server in a container of its own, removed at the end."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    _require_docker()
    container = DockerContainer(POSTGRES_IMAGE).with_exposed_ports(5432)
    container.with_envs(POSTGRES_USER="ledger_admin", POSTGRES_PASSWORD=POSTGRES_PASSWORD)
    # The image starts a first server to set itself up: the second "ready" is the one that counts.
    ready = LogMessageWaitStrategy("database system is ready to accept connections", times=2)
    with container.waiting_for(ready) as running:
        address = f"{running.get_container_host_ip()}:{running.get_exposed_port(5432)}"
        yield f"postgresql://ledger_admin:{POSTGRES_PASSWORD}@{address}/postgres"


def docker_runs() -> bool:
    """Whether a Docker daemon answers."""
    if (docker := shutil.which("docker")) is None:
        return False
    try:
        done = subprocess.run([docker, "info"], check=False, capture_output=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _require_docker() -> None:
    if not docker_runs():
        message = "no Docker daemon answers: start Docker, or unset LEDGER_KAFKA to use the local runners"
        raise LocalServiceUnavailable(message)
