"""Change data capture of merchants: what each record says, and what no record may say."""

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from consumers.merchants import MerchantColumns, MerchantDecoder
from ledger_core.domain.merchants import MerchantChanged, MerchantStatus
from ledger_core.domain.outcomes import Code

DUMP = Path(__file__).parents[4] / "shared" / "data" / "cdc_debezium_flinkcdc_cloudevents.tar.xz"
DECODER = MerchantDecoder(MerchantColumns(), {"EUR": 978, "GEL": 981})
ROW = {"id": 7, "name": "Seven", "status": "active", "currencies": "EUR,GEL"}


@dataclass
class Change:
    """A record of the merchants' topic."""

    value: bytes | None
    key: bytes | None = b'{"id":7}'
    headers: tuple[tuple[str, bytes], ...] = ()
    topic: str = "shop.public.merchants"
    partition: int = 2
    offset: int = 5
    timestamp: int = 1_700_000_000_000


def change(payload: object, *, with_schema: bool = False) -> Change:
    document = {"schema": {"type": "struct"}, "payload": payload} if with_schema else payload
    return Change(json.dumps(document).encode())


@pytest.mark.parametrize("with_schema", [False, True], ids=["bare", "with schema"])
@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"op": "c", "before": None, "after": ROW}, MerchantStatus.ACTIVE),
        ({"op": "r", "before": None, "after": ROW}, MerchantStatus.ACTIVE),
        ({"op": "u", "before": ROW, "after": {**ROW, "status": "dropped"}}, MerchantStatus.DROPPED),
        ({"op": "u", "before": ROW, "after": {**ROW, "status": "Provisioned"}}, MerchantStatus.PROVISIONED),
        ({"op": "u", "before": ROW, "after": {**ROW, "status": None}}, MerchantStatus.ACTIVE),
        ({"op": "d", "before": ROW, "after": None}, MerchantStatus.DROPPED),
    ],
)
def test_each_operation_says_what_the_merchant_is_now(
    payload: dict[str, object], status: MerchantStatus, with_schema: bool
) -> None:
    incoming = DECODER.decode(change(payload, with_schema=with_schema))
    assert incoming.fact == MerchantChanged("7", "merchant-7", status, ("EUR", "GEL"))
    assert (incoming.book, incoming.source) == ("system", "cdc:shop.public.merchants")
    assert (incoming.event_id, incoming.order_key) == ("1:shop.public.merchants:2:5", "merchant:7")


def test_a_tombstone_says_nothing_and_is_no_fault() -> None:
    incoming = DECODER.decode(Change(None))
    assert incoming.fact == MerchantChanged("", "", None)
    assert incoming.refusal is None


@pytest.mark.parametrize(
    ("currencies", "expected"),
    [(None, ()), ("", ()), ("EUR", ("EUR",)), ("EUR, GEL,EUR", ("EUR", "GEL")), (["GEL"], ("GEL",))],
)
def test_currencies_come_as_one_text_or_as_an_array(currencies: object, expected: tuple[str, ...]) -> None:
    fact = DECODER.decode(change({"op": "c", "after": {**ROW, "currencies": currencies}})).fact
    assert isinstance(fact, MerchantChanged)
    assert fact.currencies == expected


def test_the_time_of_a_change_is_that_of_its_database() -> None:
    said = {"op": "c", "after": ROW, "ts_ms": 1_600_000_000_001, "source": {"ts_ms": 1_600_000_000_000}}
    assert DECODER.decode(change(said)).effective_at_us == 1_600_000_000_000_000
    assert DECODER.decode(change({"op": "c", "after": ROW})).effective_at_us == 1_700_000_000_000_000


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", Code.RECORD_EMPTY),
        (b"nonsense", Code.NOT_JSON),
        (b"[1]", Code.DATA_INVALID),
        (b'{"payload":{"op":"c"}}', Code.DATA_INVALID),
        (json.dumps({"op": "t"}).encode(), Code.DATA_INVALID),
        (json.dumps({"op": ["c"], "after": ROW}).encode(), Code.DATA_INVALID),
        (json.dumps({"op": "c", "after": None}).encode(), Code.DATA_INVALID),
        (json.dumps({"op": "d", "after": ROW}).encode(), Code.DATA_INVALID),
        (json.dumps({"op": "c", "after": {"name": "nobody"}}).encode(), Code.DATA_INVALID),
        (json.dumps({"op": "c", "after": {**ROW, "id": True}}).encode(), Code.DATA_INVALID),
        (json.dumps({"op": "c", "after": {**ROW, "id": "A b"}}).encode(), Code.DATA_INVALID),
        (json.dumps({"op": "c", "after": {**ROW, "status": "asleep"}}).encode(), Code.DATA_INVALID),
        (json.dumps({"op": "c", "after": {**ROW, "currencies": "euro"}}).encode(), Code.DATA_INVALID),
        (json.dumps({"op": "c", "after": {**ROW, "currencies": "XTS"}}).encode(), Code.CURRENCY_UNKNOWN),
    ],
)
def test_what_is_no_change_of_a_merchant_is_refused_by_name(value: bytes, code: Code) -> None:
    incoming = DECODER.decode(Change(value))
    assert incoming.fact is None
    assert incoming.refusal is not None
    assert incoming.refusal.code is code
    assert incoming.order_key == incoming.event_id == "1:shop.public.merchants:2:5"


def test_no_value_of_a_refused_row_is_told() -> None:
    incoming = DECODER.decode(change({"op": "c", "after": {**ROW, "id": "Card 4111"}}))
    assert incoming.refusal is not None
    assert "4111" not in incoming.refusal.detail


def test_a_currency_that_was_added_meanwhile_is_looked_for() -> None:
    decoder = MerchantDecoder(MerchantColumns(), {}, lambda: {"EUR": 978, "GEL": 981})
    assert decoder.decode(change({"op": "c", "after": ROW})).refusal is None


@pytest.mark.parametrize("name", ["flinkcdc_debezium-json.txt", "flinkcdc_debezium-json-with-schema.txt"])
def test_a_real_dump_is_read_with_and_without_its_schema(name: str) -> None:
    if not DUMP.exists():
        pytest.skip(f"no {DUMP.name} beside the project")
    with tarfile.open(DUMP) as archive:
        member = next(found for found in archive if found.name.endswith(f"/{name}"))
        content = archive.extractfile(member)
        assert isinstance(content, io.BufferedReader)
        lines = [line for line in content.read().splitlines() if line.startswith(b"{")]
    facts = [DECODER.decode(Change(line)).fact for line in lines]
    assert len(facts) > 10
    assert all(isinstance(fact, MerchantChanged) for fact in facts)
    last = {fact.merchant_id: fact.status for fact in facts if isinstance(fact, MerchantChanged)}
    assert last["111"] is MerchantStatus.DROPPED
    assert last["102"] is MerchantStatus.ACTIVE
