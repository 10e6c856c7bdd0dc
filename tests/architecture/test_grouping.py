"""Groups of tests that must not run beside each other stay together; when this breaks, it breaks in silence."""

import pytest


def runs_in_groups(config: pytest.Config) -> bool:
    """Only a worker of `--dist=loadgroup` sees the group, as a suffix of the test's id."""
    return bool(hasattr(config, "workerinput") and config.getoption("loadgroup", default=False))


@pytest.mark.xdist_group("together")
def test_marked_tests_go_to_one_worker(request: pytest.FixtureRequest) -> None:
    assert not runs_in_groups(request.config) or request.node.nodeid.endswith("@together")


@pytest.mark.fault
def test_faults_are_a_group(request: pytest.FixtureRequest) -> None:
    assert not runs_in_groups(request.config) or request.node.nodeid.endswith("@faults")
