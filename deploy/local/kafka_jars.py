"""The jars of Apache Kafka, fetched once by Maven into a cache and compared with committed hashes."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from deploy.local.errors import LocalServiceError, LocalServiceUnavailable
from deploy.local.places import make_folder

CONFIGURATION = Path(__file__).parent / "kafka_config"
POM = CONFIGURATION / "pom.xml"
HASHES = CONFIGURATION / "jars.sha256"
OTHER_WAYS = "install Maven once (Debian: maven), or set LEDGER_KAFKA_BOOTSTRAP to a running cluster"
FETCH_TIMEOUT_SECONDS = 600


def find_jars(cache: Path, java: Path, environment: Mapping[str, str]) -> Path:
    """The folder of the jars, fetched if this version of the pom has not been fetched before."""
    version = hashlib.sha256(POM.read_bytes() + HASHES.read_bytes()).hexdigest()[:16]
    target = cache / f"kafka-{version}"
    if not target.exists():
        maven = shutil.which("mvn", path=environment.get("PATH"))
        if maven is None:
            message = f"the jars of Apache Kafka are not in {cache} and there is no Maven: {OTHER_WAYS}"
            raise LocalServiceUnavailable(message)
        make_folder(cache)
        _fetch_whole(maven, java, environment, target)
    return target


def _fetch_whole(maven: str, java: Path, environment: Mapping[str, str], target: Path) -> None:
    """Fetch, compare, rename: readers see none or a whole one; of two at once the second drops its own."""
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        draft.chmod(0o755)
        _fetch(maven, java, environment, draft)
        _compare(draft)
        try:
            draft.rename(target)
        except OSError:
            if not target.exists():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _fetch(maven: str, java: Path, environment: Mapping[str, str], folder: Path) -> None:
    command = [
        maven, "--quiet", "--batch-mode", "--strict-checksums", f"--file={POM}",
        "dependency:copy-dependencies", f"-DoutputDirectory={folder}",
    ]  # fmt: skip
    java_home = {} if environment.get("JAVA_HOME") else {"JAVA_HOME": str(java.resolve().parents[1])}
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=FETCH_TIMEOUT_SECONDS,
        env={**os.environ, **environment, **java_home},
    )
    if done.returncode != 0:
        said = (line.rpartition("[ERROR]")[2].strip() for line in (done.stdout + done.stderr).splitlines())
        reason = next((line for line in said if line), f"exit {done.returncode}")[:300]
        message = f"Maven could not fetch Apache Kafka ({reason}): check the network, or {OTHER_WAYS}"
        raise LocalServiceUnavailable(message)


def _compare(folder: Path) -> None:
    lines = (line.split(maxsplit=1) for line in HASHES.read_text().splitlines())
    wanted = {name: digest for digest, name in lines}
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.glob("*.jar")}
    if different := sorted({name for name, _ in wanted.items() ^ found.items()}):
        message = (
            f"these jars of Apache Kafka are not the ones that were tested: {', '.join(different)}; "
            "look for a mirror or proxy that changes files"
        )
        raise LocalServiceError(message)
