"""What makes a coroutine a process: signals that end it in good order, a tuned collector, points of failure."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger(__name__)

GC_THRESHOLD: Final = 500_000
"""Allocations between collections of the youngest generation: above what two batches hold at once, so that one hardly
ever looks at them. They make many objects and no cycles: at a fifth of that it took 1.5 us of every event."""

SWITCH_INTERVAL_S: Final = 0.0005
"""How long a thread that computes keeps another waiting for the interpreter. A posting thread comes back from the
database some ten times a batch; with Python's own 5 ms it waits longer for the thread that prepares the next batch than
for the database: 20 % fewer events a second with one worker."""


def tune_threads() -> None:
    """Lets the thread that posts go on soon after the database has answered."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def tune_collector() -> None:
    """What was built at the start is never looked at again: 23 % more events a second with two workers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 50)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; the second of them ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask() -> None:
        log.info("process.stopping")
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask)
    return stop


def stop_with_parent(stop: asyncio.Event) -> None:
    """Sets the event when standard input ends: whoever holds its other end has gone."""
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()

    def look() -> None:
        if not os.read(descriptor, 1024):
            loop.remove_reader(descriptor)
            log.warning("process.parent_gone")
            stop.set()

    loop.add_reader(descriptor, look)


def kill_at(label: str) -> Callable[[str], None]:
    """A label function by which this process dies, as by a crash, when it reaches `label`."""

    def reached(name: str) -> None:
        if name == label:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached


def no_fault(_name: str) -> None:
    """Nothing happens at labelled points."""


def labels_for(fault_kill_at: str) -> Callable[[str], None]:
    """What the settings ask for."""
    return kill_at(fault_kill_at) if fault_kill_at else no_fault
