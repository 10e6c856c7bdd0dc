"""Events of every type in equal parts, read and prepared as a worker does before it takes a lock; nothing is posted."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks.children import read_task, say, wait_for_word
from benchmarks.direct import batches
from benchmarks.workload import TOPIC, headers
from consumers.bootstrap import read_assets
from consumers.decode import Decoder
from consumers.process import tune_collector
from consumers.transport.ports import StoredRecord
from ledger_core.store.poster import Poster
from schemas.events.registry import EVENT_TYPES

EXAMPLES = Path(__file__).parents[1] / "schemas" / "examples"
BOOK = "bench-0"
SLOWEST = 5


class OpeningPoster(Poster):
    """Opens what it is told to, whatever becomes of the events that name it: only accounts that are there are posted to
    by the million, and nothing is posted here that would open them."""

    def opens_at_once(self, opens: bool) -> None:
        self._preparer.opens_at_once = opens


@dataclass(frozen=True, slots=True)
class Task:
    """How many events, in batches of which size."""

    dsn: str
    events: int
    batch: int


def records(count: int, *, start: int = 0) -> Iterator[StoredRecord]:
    """The committed examples by turns, each time with other ids; order keys that name something keep doing so."""
    examples = [orjson.loads((EXAMPLES / f"{event_type}.json").read_bytes()) for event_type in EVENT_TYPES]
    for n in range(start, start + count):
        example = examples[n % len(examples)]
        subject = example["subject"]
        key = subject if _names_account(example) else f"{subject}-{n}"
        data = {name: key if value == subject else value for name, value in example["data"].items()}
        attributes = dict(headers(BOOK, f"{n:032}", n % 86_400, kind=example["type"])) | {"ce_subject": key.encode()}
        yield StoredRecord(TOPIC, 0, n, 0, key.encode(), orjson.dumps(data), tuple(attributes.items()))


def _names_account(example: dict[str, object]) -> bool:
    """Accounts stay as many as they are: opening one is not what is measured."""
    return str(example["type"]).startswith(("account.", "drawer.", "cash."))


def measure(task: Task) -> dict[str, object]:
    """CPU microseconds per event of reading and of preparing, and the types that take longest to read."""
    decoder = Decoder(read_assets(task.dsn))
    poster = OpeningPoster(task.dsn, decode=decoder.decode)
    poster.open()
    poster.opens_at_once(True)
    poster.positions.find({(TOPIC, 0): 0})
    warm = decoder.decode_many(list(records(2 * len(EVENT_TYPES))))
    for batch, advances in batches(warm, task.batch):  # opens the accounts that the examples name
        poster.prepare(batch, advances)
    poster.opens_at_once(False)
    stored = list(records(task.events, start=2 * len(EVENT_TYPES)))
    tune_collector()
    wait_for_word()
    decode_s, prepare_s, events = 0.0, 0.0, 0
    for start in range(0, task.events, task.batch):
        arrived = stored[start : start + task.batch]
        began_s = time.process_time()  # nothing is waited for but a look at accounts that are there
        incoming = decoder.decode_many(arrived)
        decode_s += time.process_time() - began_s
        refused = {event.refusal.code.value for event in incoming if event.refusal is not None}
        if refused:
            raise RuntimeError(f"the examples are not as the schemas want them: {refused}")
        [(batch, advances)] = batches(incoming, task.batch)
        began_s = time.process_time()
        prepared = poster.prepare(batch, advances)  # stays while the next one is read, as with a worker
        prepare_s += time.process_time() - began_s
        events += len(prepared.items)
    poster.close()
    if events < task.events:
        raise RuntimeError(f"only {events} of {task.events} examples were prepared")
    us = 1e6 / task.events
    return {
        "decode_us": decode_s * us,
        "prepare_us": prepare_s * us,
        "slowest": slowest(decoder.decode, stored),
    }


def slowest(decode: Callable[[StoredRecord], object], stored: list[StoredRecord]) -> dict[str, float]:
    """The types that take longest to read, in microseconds of CPU: whatever else runs meanwhile is none of it."""
    spent: dict[str, list[float]] = defaultdict(list)
    for record in stored:
        began_s = time.thread_time()
        decode(record)
        spent[dict(record.headers)["ce_type"].decode()].append(time.thread_time() - began_s)
    means = {name: sum(times) / len(times) * 1e6 for name, times in spent.items()}
    return dict(sorted(means.items(), key=lambda item: -item[1])[:SLOWEST])


if __name__ == "__main__":
    say(measure(Task(**read_task())))
