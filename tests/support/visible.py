"""What of an event's data is to be seen in the timeline of its order key, and with the voucher that it made."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpx
import orjson

from deploy.demo.messages import Message

SHOWN_OTHERWISE: Mapping[str, str] = {
    "commission_bps": "as the commission that it came to",
    "iban": "without its middle",
    "direction": "as the sides of the voucher's lines",
    "platform_fee": "where it is kept; `returned` is what is done anyway",
    "rule": "as `sweep`",
    "published_at": "in UTC, to the microsecond",
    "inflow_id": "as it is, but by a compensation it names the deposit that went back",
    "voucher": "as the link to the voucher that is taken back",
}
"""Members whose very words are not shown, and what is instead."""
CONTROL = "control:"
"""An account named by its role is shown by its code."""


def told(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Each leaf of some data with the member that it belongs to."""
    if isinstance(value, dict):
        for inner, one in value.items():
            yield from told(one, inner)
    elif isinstance(value, list):
        for one in value:
            yield from told(one, name)
    else:
        yield name, value


def unseen(data: Mapping[str, Any], order_key: str, *shown: object) -> list[tuple[str, object]]:
    """Leaves of the data that stand in nothing that is shown, but for `SHOWN_OTHERWISE`."""
    seen = {repr(value) for answer in shown for _, value in told(answer)} | {repr(order_key), "'0'", "False"}
    return [
        (name, value)
        for name, value in told(dict(data))
        if name not in SHOWN_OTHERWISE and repr(value) not in seen and not str(value).startswith(CONTROL)
    ]


def unseen_in(client: httpx.Client, book: str, messages: Iterable[Message]) -> list[tuple[str, str, object]]:
    """What is kept from whoever asks, of what accepted events said: by their timelines and their vouchers' lines."""
    missing: list[tuple[str, str, object]] = []
    lines: dict[str, list[object]] = {}
    for message in messages:
        headers = {name: value.decode() for name, value in message.headers}
        key = headers["ce_subject"]
        timeline = client.get(f"/v1/books/{book}/timelines/{key}").json()["events"]
        if key not in lines:
            numbers = [one["voucher_no"] for one in timeline if one["voucher_no"]]
            lines[key] = [client.get(f"/v1/books/{book}/vouchers/{number}").json()["lines"] for number in numbers]
        event = [one for one in timeline if (one["cause"] or {}).get("event_id") == headers["ce_id"]][-1]
        if event["outcome"] in ("POSTED", "RECORDED"):
            lost = unseen(orjson.loads(message.value), key, event, lines[key])
            missing += [(headers["ce_id"], *one) for one in lost]
    return missing
