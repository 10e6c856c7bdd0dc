"""The account's events as they are stored: one encoder for accounts opened one by one and in bulk.

The bytes are those that the event classes of `ledger_core.operations.account` give through the mapper, so an
account that opened on the fly rebuilds through its Application like any other. Members that do not apply are left
out: a parent, limits, who asked for it, and the cause of an event that came by topic (source, event_id, cause).
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid5

import orjson

from ledger_core.domain.account_facts import AccountChange
from ledger_core.domain.limits import POLICIES, POLICY_NAMES, Limits
from ledger_core.store.appender import NewEvent

ACCOUNT_OPENED: Final = "account.opened"
ACCOUNT_FROZEN: Final = "account.frozen"
ACCOUNT_UNFROZEN: Final = "account.unfrozen"
ACCOUNT_CLOSED: Final = "account.closed"
ACCOUNT_LIMITS_SET: Final = "account.limits_set"

ACCOUNT_NAMESPACE: Final = UUID("5b1f6d0e-6c0f-5c0a-9c57-3f1c2f6f7a10")
"""Fixed for good: account ids are derived in it, the same on every machine and in every replay."""

Cause = Mapping[str, object]
"""Who asked and which upstream event it was: requested_by, source, event_id, cause (topic, partition, offset)."""


def account_originator_id(book_code: str, code: str) -> UUID:
    """Id of the aggregate of one account; a book's code has no slash, so the pair cannot be read two ways."""
    return uuid5(ACCOUNT_NAMESPACE, f"{book_code}/{code}")


def limits_document(limits: Limits) -> dict[str, str]:
    """Limits as events keep them: signed digits, and only those that there are."""
    document = {}
    if limits.minimum_minor is not None:
        document["minimum_minor"] = str(limits.minimum_minor)
    if limits.maximum_minor is not None:
        document["maximum_minor"] = str(limits.maximum_minor)
    return {**document, "policy": POLICY_NAMES[limits.policy]}


def limits_from_document(document: Mapping[str, str]) -> Limits:
    """What `limits_document` wrote."""
    minimum, maximum = document.get("minimum_minor"), document.get("maximum_minor")
    return Limits(
        None if minimum is None else int(minimum),
        None if maximum is None else int(maximum),
        POLICIES[document["policy"]],
    )


def opened_state(
    code: str, account_type: str, currency: str, role: str, keyed: bool,
    parent: str = "", limits: Limits | None = None, cause: Cause | None = None,
) -> bytes:  # fmt: skip
    """State of `account.opened`. No timestamp: when it was recorded is the block's to say."""
    state: dict[str, object] = {
        "code": code, "type": account_type, "currency": currency, "role": role, "keyed": keyed,
    }  # fmt: skip
    if parent:
        state["parent"] = parent
    if limits is not None:
        state["limits"] = limits_document(limits)
    return orjson.dumps({**state, **(cause or {})})


def opened_event(
    book_code: str, code: str, account_type: str, currency: str, role: str, keyed: bool,
    parent: str = "", limits: Limits | None = None, cause: Cause | None = None,
) -> NewEvent:  # fmt: skip
    """The event that opens an account: version 1 of its aggregate."""
    return NewEvent(
        type=ACCOUNT_OPENED,
        state=opened_state(code, account_type, currency, role, keyed, parent, limits, cause),
        originator_id=account_originator_id(book_code, code),
        originator_version=1,
    )


def changed_state(fact: AccountChange, cause: Cause) -> bytes:
    """State of `account.frozen`, `account.unfrozen` and `account.closed`."""
    state = {"code": fact.account, "reason": fact.reason, **asked_by(fact.requested_by)}
    return orjson.dumps({**state, **cause})


def asked_by(person: str) -> dict[str, str]:
    """The person who asked for it, where that was said."""
    return {"requested_by": person} if person else {}
