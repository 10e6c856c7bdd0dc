"""What becomes of each type of event that a producer tells a second time under another id: one sentence a type."""

from collections.abc import Mapping
from types import MappingProxyType

from consumers.facts import FACTS
from ledger_core.domain.stories import ID_OF
from ledger_core.domain.told_once import ONCE
from tests.support.story_desk import data_of

_STATE = "`{}` names what it is a step of: a step that it is past is refused."
_NO_ID = "By design it has no id of its business: told twice it counts twice. A retry must carry the same event id."
_STANDS = "It says what stands from now on: told twice it changes nothing."
SAID: Mapping[str, str] = MappingProxyType({
    "payment.intent_created.v1": "An intent posts nothing: told twice it changes nothing but the timeline.",
    "payment.authorized.v1": f"{_NO_ID} Several authorisations of one payment add up.",
    "payment.captured.v1": f"{_NO_ID} Several captures of one payment add up, unless the book's chart takes one alone.",
    "payment.capture_failed.v1": "It posts nothing: an attempt more on the timeline.",
    "payment.failed.v1": "A payment fails once: the second is refused.",
    "payment.authorization_expired.v1": "An authorisation expires once: the second is refused.",
    "payment.voided.v1": "A payment is voided once: the second is refused.",
    "fee.failed.v1": "`fee_id` names the fee: the second waits for a retry, as another failure.",
    "fee.retried.v1": "`fee_id` names the fee: the second waits for a failure, as another retry.",
    "fee.refunded.v1": "`fee_id` names the fee, and a part that is given back has no id of its own: told twice it"
    " counts twice, up to what was charged. A retry must carry the same event id.",
    "drawer.opened.v1": "A drawer that is open is not opened: the second is refused.",
    "drawer.closed.v1": "A drawer that is closed is not closed: the second is refused.",
    "voucher.requested.v1": _NO_ID,
    "voucher.group_requested.v1": _NO_ID,
    "voucher.void_requested.v1": "A voucher is reversed once: the second is refused.",
    "hold.placed.v1": "`hold_id` is the hold: the second is refused.",
    "hold.captured.v1": f"{_NO_ID} Several captures of one hold add up, up to what is held.",
    "hold.released.v1": "A hold is released once: the second is refused.",
    "reservation.held.v1": "`reservation_id` is the stay: the second is refused.",
    "reservation.confirmed.v1": f"{_NO_ID} What it takes comes out of the hold, up to what is held.",
    "reservation.cancelled.v1": "A stay is cancelled once: the second is refused.",
    "reservation.no_show.v1": "It ends the hold: the second is refused.",
    **dict.fromkeys(("payment_method.tokenized.v1", "payment_method.detached.v1"), "It posts nothing: told twice it"
                    " changes nothing but the timeline."),
    "account.opened.v1": _STANDS,
    **dict.fromkeys(("account.frozen.v1", "account.unfrozen.v1", "account.closed.v1"), "An account that stands so"
                    " already is not changed: the second is refused."),
    "settlement_profile.updated.v1": _STANDS,
    "verification.changed.v1": _STANDS,
    "fx.rate_published.v1": "Pair, provider and time name the rate: told twice it changes nothing, and another rate is"
    " refused.",
})  # fmt: skip


def told_again(event_type: str) -> str:
    """Of the types that are steps, and of those that happen once, by the code; of the others as said here."""
    if event_type in SAID:
        return SAID[event_type]
    fact = type(FACTS[event_type](data_of(event_type)))
    if fact in ONCE:
        return f"`{ONCE[fact].member}` is the id of its business: the second is refused (`ALREADY_TOLD`)."
    return _STATE.format(ID_OF[fact])
