"""Notices: what a service tells of a thing, and what stands until it tells anew. Each is kept, none is changed.

A seller's settlement profile is one, and whether a customer is verified. What is decided on a notice is decided on the
last one before it in the book's log: whoever reads it here looks again under the book's lock, which whoever tells a new
one needs, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from ledger_core.domain.holds import rfc3339
from ledger_core.domain.transfers import VERIFICATION_GATE


class NoticeKind(StrEnum):
    """Of what kind of thing. Stored: append only."""

    SETTLEMENT_PROFILE = "settlement_profile"
    VERIFICATION = "verification"
    FX_RATE = "fx_rate"


class NoticeName(NamedTuple):
    """The thing that it is about."""

    kind: str
    key: str


NoticeKey = tuple[int, str, str]
"""book_id, kind and key."""


@dataclass(slots=True, frozen=True)
class Notice:
    """What stands, as the log keeps it; revision 0: nobody told anything yet."""

    revision: int = 0
    said: Mapping[str, object] = field(default_factory=dict)


UNTOLD: Final = Notice()
VERIFIED: Final = "VERIFIED"
PROFILE_WAITED_FOR: Final = "profile:"
"""Beginning of the name by which a parked event says that it waits for a beneficiary's verified profile."""


@dataclass(slots=True)
class SettlementProfileUpdated:
    """Whether a beneficiary may be paid out, by which rails and to which account (as much of it as may be kept)."""

    beneficiary: str
    status: str
    rails: tuple[str, ...] = ()
    bank_account_ref: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> NoticeName:
        return NoticeName(NoticeKind.SETTLEMENT_PROFILE.value, self.beneficiary)

    @property
    def order_key(self) -> str:
        """What the subject of its event must be."""
        return self.beneficiary

    @property
    def said(self) -> Mapping[str, object]:
        return {"status": self.status, "rails": list(self.rails), "bank_account_ref": dict(self.bank_account_ref)}

    @property
    def wakes(self) -> str:
        """What comes true with it that parked events may wait for."""
        return f"{PROFILE_WAITED_FOR}{self.beneficiary}" if self.status == VERIFIED else ""


@dataclass(slots=True)
class VerificationChanged:
    """Whether a customer is who it says, and may send and get money."""

    customer: str
    status: str
    reason: str = ""

    @property
    def name(self) -> NoticeName:
        return verification_of(self.customer)

    @property
    def order_key(self) -> str:
        """What the subject of its event must be."""
        return self.customer

    @property
    def said(self) -> Mapping[str, object]:
        return {"status": self.status, **({"reason": self.reason} if self.reason else {})}

    @property
    def wakes(self) -> str:
        """What comes true with it that parked events may wait for."""
        return f"{VERIFICATION_GATE}{self.customer}" if self.status == VERIFIED else ""


@dataclass(slots=True)
class FxRatePublished:
    """What one currency costs in another. `rate` is an exact decimal: units of `counter` for one of `base`.

    Each publication is a notice of its own, by its pair, its provider and its own time: only the same one can be told
    again, and then says the same.
    """

    base: str
    counter: str
    rate: str
    provider: str
    source: str
    published_at_us: int
    valid_until_us: int | None = None

    @property
    def name(self) -> NoticeName:
        key = f"{self.order_key} {self.provider} {rfc3339(self.published_at_us)}"
        return NoticeName(NoticeKind.FX_RATE.value, key)

    @property
    def order_key(self) -> str:
        """What the subject of its event must be."""
        return f"{self.base}/{self.counter}"

    @property
    def said(self) -> Mapping[str, object]:
        told: dict[str, object] = {
            "base": self.base, "counter": self.counter, "rate": self.rate, "provider": self.provider,
            "source": self.source, "published_at": rfc3339(self.published_at_us),
        }  # fmt: skip
        return told if self.valid_until_us is None else {**told, "valid_until": rfc3339(self.valid_until_us)}

    @property
    def wakes(self) -> str:
        """Nothing waits for a rate."""
        return ""


NoticeFact = SettlementProfileUpdated | VerificationChanged | FxRatePublished
NOTICE_FACTS: Final = (SettlementProfileUpdated, VerificationChanged, FxRatePublished)


def profile_of(account: str) -> NoticeName:
    """The notice that tells whether this beneficiary may be paid out."""
    return NoticeName(NoticeKind.SETTLEMENT_PROFILE.value, account)


def verification_of(customer: str) -> NoticeName:
    """The notice that tells whether this customer is verified."""
    return NoticeName(NoticeKind.VERIFICATION.value, customer)
