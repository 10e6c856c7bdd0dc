"""Webhooks: from the moment one is sent until its voucher can be read, through inbox, publisher, Kafka and posting."""

import hashlib
import hmac
import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
import numpy as np
import psycopg
from pydantic import SecretStr

from api.query.bootstrap import json_log
from api.webhooks.bootstrap import serving_inbox
from api.webhooks.settings import EndpointSettings, InboxSettings
from benchmarks.bench import Bench, Sample, prove
from benchmarks.pipeline import process_settings, started
from ledger_core.store.connection import Role, connect

PER_SECOND: Final = 50
SECRET: Final = "whsec_a-secret-of-the-benchmark"
POLL_S: Final = 0.002
STALL_S: Final = 60.0
POSTED: Final = """
    SELECT event.order_key, event.position FROM ledger.event JOIN ledger.book USING (book_id)
    WHERE book.code = %s AND type = 'voucher.posted' AND event.position > %s ORDER BY event.position
"""
POSITION: Final = "SELECT position FROM ledger.book WHERE code = %s"


def webhooks(bench: Bench) -> Sample:
    """The 99th percentile, at a rate that a busy shop has."""
    workload = bench.workload("uniform")
    book = workload.book_codes()[0]
    topic = bench.stack.new_topic("payments.webhooks")
    count = int(PER_SECOND * bench.sizes.latency_seconds)
    with bench.stack.database(workload) as dsn:
        settings = process_settings(bench, dsn, topic)
        with (
            started(bench, settings, ("payments", "webhooks")) as workers,
            inbox(dsn, book) as url,
            connect(dsn, Role.PROJECTOR) as connection,
        ):
            connection.autocommit = True
            wait_until_ready(connection, topic)
            sent: dict[str, float] = {}
            sender = threading.Thread(target=send, args=(url, count, sent))
            sender.start()
            seen = watch(connection, book, count)
            sender.join()
            workers.check()
        prove(bench, "webhook_to_posted_p99_ms", dsn)
    latencies_s = [seen[key] - sent[key] for key in sent]
    return {"webhook_to_posted_p99_ms": float(np.percentile(latencies_s, 99)) * 1e3}


@contextmanager
def inbox(dsn: str, book: str) -> Iterator[str]:
    """The inbox that production runs, in a thread of this process."""
    endpoint = EndpointSettings(processor="stripe", book=book, secrets=SecretStr(SECRET))
    settings = InboxSettings(
        postgres_dsn=SecretStr(dsn), allow_owner_login=True, webhook_port=0, webhooks={"stripe": endpoint}
    )
    with serving_inbox(settings, log=json_log(sys.stderr, logging.ERROR)) as url:
        yield url


def wait_until_ready(connection: psycopg.Connection, topic: str) -> None:
    """Until the payments consumer has its partitions."""
    deadline = time.monotonic() + STALL_S
    while not connection.execute("SELECT 1 FROM ledger.source_position WHERE topic = %s", (topic,)).fetchone():
        if time.monotonic() > deadline:
            raise RuntimeError("the payments consumer does not start")
        time.sleep(POLL_S)


def send(url: str, count: int, sent: dict[str, float]) -> None:
    """Signed captures, each at its time."""
    began_s = time.monotonic()
    with httpx.Client(base_url=url) as client:
        for n in range(count):
            time.sleep(max(0.0, began_s + n / PER_SECOND - time.monotonic()))
            body = json.dumps(captured(n)).encode()
            sent[f"stripe:pi_{n}"] = time.monotonic()
            client.post("/webhooks/v1/stripe", content=body, headers=signed(body)).raise_for_status()


def captured(n: int) -> dict[str, object]:
    charge = {
        "id": f"ch_{n}", "payment_intent": f"pi_{n}", "amount": 1_000, "amount_captured": 1_000, "currency": "eur",
        "captured": True, "status": "succeeded", "payment_method_details": {"type": "card"},
    }  # fmt: skip
    return {"id": f"evt_{n}", "type": "charge.captured", "created": 1_763_714_813, "data": {"object": charge}}


def signed(body: bytes) -> dict[str, str]:
    at = str(int(time.time()))
    signature = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "stripe-signature": f"t={at},v1={signature}"}


def watch(connection: psycopg.Connection, book: str, count: int) -> dict[str, float]:
    """When each payment's voucher could first be read."""
    row = connection.execute(POSITION, (book,)).fetchone()
    position = int(row[0]) if row else 0
    seen: dict[str, float] = {}
    moved_s = time.monotonic()
    while len(seen) < count:
        found = connection.execute(POSTED, (book, position)).fetchall()
        now_s = time.monotonic()
        if found:
            seen.update((key, now_s) for key, _ in found)
            position, moved_s = found[-1][1], now_s
        elif now_s - moved_s > STALL_S:
            raise RuntimeError(f"nothing has been posted for {STALL_S:.0f} s, after {len(seen)} webhooks")
        time.sleep(POLL_S)
    return seen
