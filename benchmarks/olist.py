"""The main job on real input: the whole Olist marketplace through Kafka, as `ledgerctl demo --olist` runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.bench import Bench, Sample
from deploy.demo.olist import ORDERS_FILE

LEDGERCTL: Final = "from api.cli.main import main; main()"
BESIDE: Final = Path(__file__).parents[2] / "shared" / "data"


def olist_folder() -> Path | None:
    """Where the files are: LEDGER_OLIST_DIR, or the folder of shared data beside this repository."""
    named = os.environ.get("LEDGER_OLIST_DIR")
    for folder in [Path(named)] if named else [BESIDE]:
        if any((folder / f"{ORDERS_FILE}{suffix}").exists() for suffix in ("", ".xz")):
            return folder
    return None


def olist(bench: Bench) -> Sample:
    """Seconds from the first event read to the last projection."""
    folder = olist_folder()
    if folder is None:
        bench.say("olist: its files are not here; name their folder in LEDGER_OLIST_DIR")
        return {}
    command = [sys.executable, "-c", LEDGERCTL, "demo", "--json", "--broker", "kafka", "--olist", str(folder)]
    if bench.sizes.events < 100_000:
        command += ["--orders", "500"]
    environment = {
        **os.environ,
        "LEDGER_POSTGRES_DSN": bench.stack.admin_dsn,
        "LEDGER_KAFKA_BOOTSTRAP": bench.stack.bootstrap,
    }
    ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(ran.stdout)
    if not found["verify"]["ok"]:
        raise RuntimeError("verify does not hold after the Olist run")
    bench.notes["olist"] = f"{found['events']:,} events, {found['findings']} findings"
    return {"olist": float(found["seconds"])}
