"""What the product is compared with is no part of it: models import the standard library and one another."""

import ast
import sys
from pathlib import Path

import pytest

from tests.architecture.test_pure_core import imported

ROOT = Path(__file__).parents[2]
MODELS = sorted(path.relative_to(ROOT) for path in (ROOT / "tests" / "models").rglob("*.py"))


@pytest.mark.parametrize("path", MODELS, ids=str)
def test_a_model_has_nothing_of_the_product_in_it(path: Path) -> None:
    modules = set(imported(ast.parse((ROOT / path).read_text())))
    own = {name for name in modules if name == "tests.models" or name.startswith("tests.models.")}
    assert {name for name in modules - own if name.partition(".")[0] not in sys.stdlib_module_names} == set()


@pytest.mark.parametrize("property_test", ["test_model", "test_holds", "test_reversals", "test_complete_ledger"])
def test_what_a_property_compares_with_stands_among_the_models(property_test: str) -> None:
    tree = ast.parse((ROOT / "tests" / "properties" / f"{property_test}.py").read_text())
    assert any(name.startswith("tests.models") for name in imported(tree))
    classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    assert not [name for name in classes if "Model" in name]
