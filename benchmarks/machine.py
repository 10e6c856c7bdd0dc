"""Facts about the machine and the servers, without which no figure says anything."""

import os
import platform
from pathlib import Path

import psutil
import psycopg


def machine_facts(dsn: str, rounds: int, batch: int) -> dict[str, str]:
    """What to print beside the figures."""
    with psycopg.connect(dsn) as connection:
        postgres = connection.execute("SHOW server_version").fetchall()[0][0]
        kept = "fsync", "synchronous_commit", "full_page_writes"
        durable = ", ".join(f"{name} {connection.execute(f'SHOW {name}').fetchall()[0][0]}" for name in kept)
    memory_gb = psutil.virtual_memory().total / 2**30
    return {
        "cpu": f"{os.cpu_count()} × {_cpu()}",
        "memory": f"{memory_gb:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "load": f"load {os.getloadavg()[0]:.1f} before the run",
        "python": f"Python {platform.python_version()}",
        "postgres": f"PostgreSQL {postgres} ({durable})",
        "rounds": f"medians of {rounds} alternating rounds, batches of {batch:,}",
    }


def _cpu() -> str:
    """The processor's name, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
