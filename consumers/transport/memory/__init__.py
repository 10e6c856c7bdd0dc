"""The transport in memory, for unit tests and the simulator: one process, one event loop, faults on demand.

It passes the same contract suite as Kafka and the embedded log, so a test that runs on it proves something.
"""

from consumers.transport.memory.log import MemoryFaults, MemoryLog
from consumers.transport.memory.sink import MemorySink
from consumers.transport.memory.source import MemorySource

__all__ = ["MemoryFaults", "MemoryLog", "MemorySink", "MemorySource"]
