"""States read as columns of bytes: the same as one by one, and nothing that is written otherwise."""

import numpy as np
import pytest

from ledger_core.store.verify import alike
from ledger_core.store.verify.alike import Alike, AlikeReader, Texts
from ledger_core.store.verify.regular import read_regular

MOMENT = "2026-09-01T00:03:09.998000"


def capture(number: int, **changed: str) -> bytes:
    said = {
        "moment": MOMENT, "event_id": f"e-{number}", "kind": "payment.captured.v1", "more": "",
        "cause": f"{number % 12},{number * 997}", "amount": str(10 ** (number % 18)),
        "debited": f"cash:{number % 3}", "credited": f"wallet:seller:{'9' * (number % 20)}", **changed,
    }  # fmt: skip
    return (
        (
            '{{"kind":"capture","rule":"payment_captured/1","effective_at":"{moment}Z","source":"/payments",'
            '"event_id":"{event_id}","event_type":"{kind}","cause":["payments.events.v1",{cause}],"amount_minor":"{amount}",'
            '"currency":"EUR","lines":[["{debited}","D","{amount}","EUR","payment"],'
            '["{credited}","C","{amount}","EUR","seller_share"]]{more}}}'
        )
        .format(**said)
        .encode()
    )


def fact(number: int, tail: str = ',"amount_minor":"7","currency":"EUR"') -> bytes:
    return (
        f'{{"kind":"authorization","effective_at":"{MOMENT}Z","source":"/payments","event_id":"a-{number}",'
        f'"event_type":"payment.authorized.v1","cause":["payments",{number},{number}]{tail}}}'
    ).encode()


@pytest.fixture(autouse=True)
def _patterns_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "FEWEST_STATES", 1)


def read(states: list[bytes]) -> tuple[list[Alike], Texts]:
    is_voucher = np.array([b'"lines"' in state for state in states])
    reader = AlikeReader(states, is_voucher, np.ones(len(states), dtype=np.bool_))
    return reader.read(), reader.texts


STATES = [
    *(capture(number) for number in range(40)),
    *(fact(number) for number in range(20)),
    *(fact(number, "") for number in range(20)),
    *(fact(number, f',"revision":{number % 2 + 2},"amount_minor":"{number}","currency":"EUR"') for number in range(20)),
    *(capture(number, more=f',"gateway_transaction_id":"ch_{number}","gateway_response":"ok","order_status":"SHIPPED"')
      for number in range(20)),
    *(capture(number, more=f',"method":"card","partial":true,"payment_id":"p-{number}"') for number in range(20)),
    *(fact(number, f',"method":"card","reason":"call {number}","payment_id":"p-{number}"') for number in range(20)),
]  # fmt: skip


def test_columns_say_what_each_state_says() -> None:
    order = np.random.default_rng(7).permutation(len(STATES)).tolist()
    states = [STATES[at] for at in order]
    types = ["voucher.posted" if b'"lines"' in state else "fact.recorded" for state in states]
    one_by_one = read_regular(range(len(states)), types, [""] * len(states), states)
    assert one_by_one is not None
    found, texts = read(states)
    assert sorted(np.concatenate([each.rows for each in found]).tolist()) == list(range(len(states)))
    for each in found:
        for place, row in enumerate(each.rows.tolist()):
            event_id = texts.raw[each.event_ids.starts[place] : each.event_ids.ends[place]]
            said = (
                each.source,
                event_id,
                each.kind,
                each.topic,
                each.partition[place],
                each.revision,
                each.amount[place],
            )
            columns = (
                one_by_one.sources, one_by_one.event_ids, one_by_one.kinds, one_by_one.topics, one_by_one.partitions,
                one_by_one.revisions, one_by_one.amounts,
            )  # fmt: skip
            assert said == tuple(column[row] for column in columns)
            effective = np.datetime64("2000-01-01", "us") + each.effective[place]
            assert str(effective).encode() == one_by_one.effective[row]
            lines = ",".join(
                f'["{texts.raw[line.account.starts[place] : line.account.ends[place]].decode()}",'
                f'"{"DC"[not line.is_debit]}","{line.amount[place]}","EUR","{("payment", "seller_share")[number]}"]'
                for number, line in enumerate(each.lines)
            )
            assert lines.encode() == one_by_one.lines[row]


OTHERWISE = {
    "another member": capture(1, more=',"hold":"x"'),
    "a member fewer": capture(1).replace(b'"currency":"EUR",', b""),
    "a letter in a fixed part": capture(1).replace(b'"kind":"capture"', b'"kind":"cupture"'),
    "another type": capture(1, kind="payment.kaptured.v1"),
    "another side": capture(1).replace(b'"D"', b'"C"'),
    "another purpose": capture(1).replace(b'"payment"]', b'"paymant"]'),
    "an amount with a letter": capture(1, amount="1x"),
    "an amount of nothing": capture(1, amount=""),
    "an amount of 19 digits": capture(1, amount="1" * 19),
    "a sign": capture(1, amount="-1"),
    "an offset with a letter": capture(1, cause="1,1x"),
    "no offset": capture(1, cause="11"),
    "three numbers": capture(1, cause="1,2,3"),
    "a moment with more digits": capture(1, moment=MOMENT + "0"),
    "an escape": capture(1, event_id="e\\n1"),
    "a line feed": capture(1, event_id="e\n1"),
    "a quote more": capture(1, event_id='e"1'),
    "something before it": b" " + capture(1),
    "something behind it": capture(1) + b" ",
    "nothing": b"",
}


@pytest.mark.parametrize("state", OTHERWISE.values(), ids=OTHERWISE)
def test_what_is_written_otherwise_is_not_taken_for_alike(state: bytes) -> None:
    plain = [capture(number) for number in range(10)]
    found, _ = read([*plain[:5], state, *plain[5:]])
    (first,) = (each for each in found if 0 in each.rows)
    assert first.rows.tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]


def test_a_moment_that_is_none_leaves_its_kind_to_others() -> None:
    found, _ = read([capture(0), capture(1, moment="2026-13-01T00:03:09.998000")])
    assert found == []


def test_a_voucher_is_not_alike_to_a_fact() -> None:
    states = [capture(0), capture(1)]
    reader = AlikeReader(states, np.array([True, False]), np.ones(2, dtype=np.bool_))
    assert [each.rows.tolist() for each in reader.read()] == [[0], [1]]
