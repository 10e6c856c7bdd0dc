"""The documentation keeps up with the code: links lead somewhere; no code, setting, metric or command is left out."""

import ast
import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from pydantic_settings import BaseSettings

from api.cli.errors import MEANINGS, NEXT_STEPS, missing_code
from api.cli.judging import JudgeSettings
from api.query.context import RequestMetrics
from api.query.health_routes import metrics_router
from api.query.settings import QuerySettings
from api.webhooks.metrics import InboxMetrics
from api.webhooks.settings import InboxSettings
from consumers.metrics import ConsumerMetrics
from consumers.processors.model import Reason
from consumers.settings import PREFIX, AllInOneProcess
from deploy.local.stack import StackSettings
from ledger_core.domain.chart_changes import ChartCode
from ledger_core.domain.charts import Role as ControlRole
from ledger_core.domain.outcomes import Code, Outcome
from ledger_core.domain.periods import PeriodCode
from ledger_core.operations.assets import AssetInvalidError, CurrencyExistsError
from ledger_core.store.connection import Role
from projections.continuation import StopCode
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
    registry, inbox = CollectorRegistry(), CollectorRegistry()
    ConsumerMetrics(registry)
    RequestMetrics(registry)
    metrics_router(registry)
    InboxMetrics(inbox)  # which counts some things under the publisher's names: they are two processes
    metrics = [*registry.collect(), *inbox.collect()]
    names = {f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in metrics}
    assert set(re.findall(r"`(ledger_[a-z_]+)`", page("reference/metrics.md"))) == names


def test_every_command_is_documented() -> None:
    text = page("reference/command-line.md")
    assert [" ".join(path) for path, _ in COMMANDS if f"`{' '.join(path)}" not in text] == []


def test_the_codes_of_outcomes_stand_in_their_order_of_precedence() -> None:
    listed = re.findall(r"^\| `([A-Z_0-9]+)` \|", page("reference/outcomes.md"), flags=re.MULTILINE)
    assert listed == [code.value for code in Code]


OTHER_CODES = {*PeriodCode, *ChartCode, *StopCode, *Reason, *(meaning.code for meaning in MEANINGS)}


def codes_of_commands() -> set[str]:
    """The codes that commands say outright: first arguments of the errors that they raise, and classes' own."""
    raised = {"CliError", "NotReady", "ChartCommandError"}
    found = {error.code for error in (AssetInvalidError, CurrencyExistsError)} | {"BOOK_EXISTS"}
    for path in (ROOT / "api" / "cli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in raised
            if named and isinstance(first := node.args[0], ast.Constant):  # type: ignore[attr-defined]
                found.add(str(first.value))
    return found


def test_every_code_beside_the_outcomes_is_documented_and_none_has_two_names() -> None:
    text = page("reference/codes.md")
    codes = OTHER_CODES | codes_of_commands()
    assert sorted(code for code in codes if f"`{code}`" not in text and code not in Code.__members__) == []
    rows = re.findall(r"^\| ((?:`[A-Z_]+`(?:, )?)+) \|", text, flags=re.MULTILINE)
    listed = [code for row in rows for code in re.findall(r"`([A-Z_]+)`", row)]
    assert sorted(code for code in set(listed) - codes if not code.endswith("_NOT_FOUND")) == []
    assert len(listed) == len(set(listed))
    assert set(listed) & set(Code.__members__) == set()


@pytest.mark.parametrize("what", ["account", "book", "hold", "voucher", "period"])
def test_what_is_not_there_has_the_name_by_which_a_decision_refuses_it(what: str) -> None:
    assert missing_code(what) in {*Code, *PeriodCode}
    assert NEXT_STEPS[missing_code(what)]
