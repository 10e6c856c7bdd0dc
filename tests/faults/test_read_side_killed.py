"""SIGKILL of the real relay, projector and reconciler at each of their points (I5, I6, I14, I21)."""

import asyncio
from collections import Counter

import pytest

from consumers.projector import LABELS as PROJECTOR_LABELS
from consumers.relay import LABELS as RELAY_LABELS
from ledger_core.store.connection import Role, connect
from projections.rebuild import rebuild
from projections.registry import PROJECTIONS
from tests.invariants.programs import published_out_of_order
from tests.support.postings import BOOK, Scene, captured, unallocated
from tests.support.processes import PATIENCE_SECONDS, die_at, pipeline_process, running
from tests.support.topics import Log

pytestmark = [pytest.mark.postgres, pytest.mark.fault]

RELAYED = """SELECT bool_and(book.position = relayed.position) FROM ledger.book
    JOIN ledger.relay_checkpoint AS relayed USING (book_id)"""
PROJECTED = "SELECT count(*) = %s AND max(lag_positions) = 0 FROM projections.progress WHERE book_id = 1"


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """A book with payments."""
    scene.post(*(captured(f"o-{number}") for number in range(10)))
    return scene


@pytest.fixture
def log(request: pytest.FixtureRequest, shop: Scene) -> Log:
    """The pipeline's topics: on the embedded log, or, where the test asks for it, on a real broker."""
    broker = getattr(request, "param", "embedded")
    log = Log(shop.dsn, request.getfixturevalue("kafka_bootstrap") if broker == "kafka" else "")
    asyncio.run(log.create())
    return log


def until_relayed(shop: Scene) -> None:
    shop.until(RELAYED, patience_seconds=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("log", "label"),
    [
        *(("embedded", label) for label in RELAY_LABELS),
        pytest.param("kafka", "relay.sent", marks=pytest.mark.kafka),
    ],
    indirect=["log"],
)
def test_a_relay_killed_at_any_point_repeats_and_never_skips(shop: Scene, log: Log, label: str) -> None:
    die_at(label, "relay", shop.dsn, **log.settings)
    shop.post(captured("o-afterwards"))
    with running("relay", shop.dsn, **log.settings):
        until_relayed(shop)
    published = asyncio.run(log.published())
    assert published_out_of_order(published) == []
    times = Counter(published)
    assert {position for book, position in times if book == BOOK} == set(range(1, shop.position() + 1))
    assert (max(times.values()) > 1) is (label == "relay.sent")


@pytest.mark.parametrize("label", PROJECTOR_LABELS)
def test_a_projector_killed_at_any_point_applies_each_event_once(shop: Scene, log: Log, label: str) -> None:
    with running("relay", shop.dsn, **log.settings):
        until_relayed(shop)
        die_at(label, "projector", shop.dsn, **log.settings)
        shop.post(captured("o-afterwards"))
        with running("projector", shop.dsn, **log.settings):
            shop.until(PROJECTED, len(PROJECTIONS), patience_seconds=PATIENCE_SECONDS)
    for projection in PROJECTIONS:
        assert rebuild(lambda: connect(shop.dsn, Role.PROJECTOR), 1, projection).same
    assert shop.one("SELECT sum(captured_minor)::bigint FROM projections.payment") == 1_100


def test_a_reconciler_killed_in_the_middle_of_a_scan_leaves_no_trace_and_its_successor_finds(shop: Scene) -> None:
    shop.post(unallocated("short"))
    found = "SELECT array_agg(subject) FROM reconciliation.finding WHERE state = 'OPEN'"
    with shop.other_session() as session:
        session.execute("LOCK TABLE reconciliation.finding IN SHARE MODE")
        with pipeline_process("reconciler", shop.dsn) as process:
            shop.until(
                "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 'reconciliation.finding'::regclass",
                patience_seconds=PATIENCE_SECONDS,
            )
            process.kill()
    assert shop.one("SELECT count(*) FROM reconciliation.scan WHERE book_id = 1") == 0
    with running("reconciler", shop.dsn):
        shop.until(f"SELECT ({found}) IS NOT NULL", patience_seconds=PATIENCE_SECONDS)
    assert shop.one(found) == ["short"]
