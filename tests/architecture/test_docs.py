"""The documentation keeps up with the code: links lead somewhere; no code, setting, metric or command is left out."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from pydantic_settings import BaseSettings

from api.cli.errors import MEANINGS
from api.cli.judging import JudgeSettings
from api.query.context import RequestMetrics
from api.query.health_routes import metrics_router
from api.query.settings import QuerySettings
from api.webhooks.metrics import InboxMetrics
from api.webhooks.settings import InboxSettings
from consumers.metrics import ConsumerMetrics
from consumers.settings import PREFIX, AllInOneProcess
from deploy.local.stack import StackSettings
from ledger_core.domain.charts import Role as ControlRole
from ledger_core.domain.outcomes import Code, Outcome
from ledger_core.store.connection import Role
from schemas.events.registry import EVENT_TYPES
from tests.unit.api.cli.test_commands import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "ADRs").glob("*.md")),
]
LINK = re.compile(r"\[[^\]]+\]\(([^)#]+)(?:#[^)]*)?\)")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    targets = [target for target in LINK.findall(path.read_text("utf-8")) if not target.startswith("http")]
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_every_page_is_reached_from_the_index() -> None:
    """By its links, and of the pages of one kind by those of their own index."""
    index = ROOT / "docs" / "README.md"
    reached = {index}
    for start in (index, ROOT / "docs" / "reference" / "events" / "README.md"):
        assert start in reached
        reached |= {(start.parent / target).resolve() for target in LINK.findall(start.read_text("utf-8"))}
    assert set((ROOT / "docs").rglob("*.md")) - reached == set()


def test_pages_that_errors_point_to_exist() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "api").rglob("*.py"))
    named = set(re.findall(r"docs/[a-z/-]+\.md", source)) | {
        found for meaning in MEANINGS for found in re.findall(r"docs/[a-z/-]+\.md", meaning.next_step)
    }
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("reference/outcomes.md", [*Outcome, *(f"`{code}`" for code in Code)]),
        ("reference/events.md", [f"`{name}`" for name in EVENT_TYPES]),
        ("reference/charts.md", [f"`{role}`" for role in ControlRole]),
        ("reference/roles.md", [f"`{role}`" for role in Role]),
    ],
)
def test_reference_pages_name_everything(name: str, words: list[str]) -> None:
    text = page(name)
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("model", [AllInOneProcess, QuerySettings, InboxSettings, StackSettings, JudgeSettings])
def test_every_setting_is_documented(model: type[BaseSettings]) -> None:
    text = page("reference/settings.md")
    assert [name for name in model.model_fields if f"`{PREFIX}{name.upper()}`" not in text] == []


def test_every_metric_is_documented_and_no_other() -> None:
    registry = CollectorRegistry()
    ConsumerMetrics(registry)
    RequestMetrics(registry)
    metrics_router(registry)
    InboxMetrics(registry)
    names = {f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in registry.collect()}
    assert set(re.findall(r"`(ledger_[a-z_]+)`", page("reference/metrics.md"))) == names


def test_every_command_is_documented() -> None:
    text = page("reference/command-line.md")
    assert [" ".join(path) for path, _ in COMMANDS if f"`{' '.join(path)}" not in text] == []


def test_the_codes_of_outcomes_stand_in_their_order_of_precedence() -> None:
    listed = re.findall(r"^\| `([A-Z_0-9]+)` \|", page("reference/outcomes.md"), flags=re.MULTILINE)
    assert listed == [code.value for code in Code]
