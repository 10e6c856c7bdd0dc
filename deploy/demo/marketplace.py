"""A realistic month of a marketplace, the same for the same seed: good days, bad days and broken producers.

Orders are paid by card, bank slip or wallet, split between sellers and the platform, refunded in part, called off and
paid out. A few captures do not match their beneficiaries and must become findings; some events come twice, late or
before their cause; some are nonsense (`deploy.demo.bad_events`). What is wrong is wrong on purpose: see `Shares`.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from deploy.demo.bad_events import BAD_KINDS
from deploy.demo.journal import Journal, Purchase
from deploy.demo.messages import Message, Producer, rfc3339

BOOK = "demo"
SOURCE = "/shop/payments"
DEFAULT_ORDERS = 9_000
MONTH_START_S = 1_790_812_800  # 2026-10-01T00:00:00Z
MONTH_S = 31 * 86_400
CURRENCIES = (("BRL", 75, 100), ("EUR", 15, 100), ("USD", 8, 100), ("JPY", 2, 1))
METHODS = ("card", "card", "card", "pix", "boleto", "voucher")
SELLERS = 400
BUYERS = 300


class Shares(NamedTuple):
    """How many of a thousand orders take each turn; the rest are captured and that is that."""

    partial_refund: int = 60
    two_captures: int = 40
    voided_before_capture: int = 40
    voided_after_capture: int = 20
    wallet_purchase: int = 15
    refund_before_capture: int = 8
    void_before_authorization: int = 4
    without_beneficiaries: int = 3
    beneficiaries_differ: int = 4
    refund_too_large: int = 2
    account_unknown: int = 2
    paid_out: int = 550
    repeated: int = 30
    conflicting: int = 2


SHARES = Shares()


def generate_month(seed: int, orders: int = DEFAULT_ORDERS) -> Iterator[Message]:
    """The month's messages in the order in which they reach the topic."""
    return iter(Month(seed).messages(orders))


class Month:
    """Writes one month. Everything random comes from the seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # not for secrets: a demonstration that can be repeated
        self._producer = Producer(BOOK, SOURCE)
        self._journal = Journal(self._producer)
        self._turns: tuple[tuple[int, Callable[[Purchase], None]], ...] = (
            (SHARES.partial_refund, self._partial_refund),
            (SHARES.two_captures, self._two_captures),
            (SHARES.voided_before_capture, self._voided_before_capture),
            (SHARES.voided_after_capture, self._voided_after_capture),
            (SHARES.wallet_purchase, self._wallet_purchase),
            (SHARES.refund_before_capture, self._refund_before_capture),
            (SHARES.void_before_authorization, self._void_before_authorization),
            (SHARES.without_beneficiaries, self._without_beneficiaries),
            (SHARES.beneficiaries_differ, self._beneficiaries_differ),
            (SHARES.refund_too_large, self._refund_too_large),
            (SHARES.account_unknown, self._account_unknown),
        )

    def messages(self, orders: int) -> list[Message]:
        for number in range(1, orders + 1):
            self._order(self._purchase(number))
        self._repeat_some()
        self._break_some()
        sent = sorted(self._journal.sent, key=lambda sent: (sent.at_s, sent.number))
        return [sent.message for sent in sent]

    # ------------------------------------------------------------------------------------ one order's life
    def _order(self, purchase: Purchase) -> None:
        draw = self._random.randrange(1000)
        for per_thousand, turn in self._turns:
            if draw < per_thousand:
                turn(purchase)
                return
            draw -= per_thousand
        self._authorize_and_capture(purchase)
        self._pay_out(purchase)

    def _authorize_and_capture(self, purchase: Purchase) -> None:
        self._journal.authorize(purchase, purchase.at_s)
        self._journal.capture(purchase, purchase.at_s + self._minutes(1, 600))

    def _partial_refund(self, purchase: Purchase) -> None:
        self._authorize_and_capture(purchase)
        account, amount_minor, bps = purchase.parts[0]
        part = max(1, amount_minor * self._random.randint(10, 90) // 100)
        self._journal.refund(purchase, purchase.at_s + self._days(1, 9), [(account, part, bps)])

    def _two_captures(self, purchase: Purchase) -> None:
        """A voucher and a card: the first goes to suspense, the second carries the beneficiaries of the whole."""
        first = purchase.amount_minor * self._random.randint(10, 60) // 100
        later = purchase.at_s + self._minutes(1, 600)
        self._journal.authorize(purchase, purchase.at_s)
        if first:
            self._journal.capture(purchase, later, amount_minor=first, parts=[], number=1)
        self._journal.capture(purchase, later + 5, amount_minor=purchase.amount_minor - first, number=2)
        self._pay_out(purchase)

    def _voided_before_capture(self, purchase: Purchase) -> None:
        self._journal.authorize(purchase, purchase.at_s)
        self._journal.void(purchase, purchase.at_s + self._minutes(1, 300))

    def _voided_after_capture(self, purchase: Purchase) -> None:
        self._authorize_and_capture(purchase)
        self._journal.void(purchase, purchase.at_s + self._minutes(601, 3_000))

    def _wallet_purchase(self, purchase: Purchase) -> None:
        """A buyer fills a wallet and pays from it."""
        wallet = f"wallet:buyer:{purchase.currency.lower()}-{self._random.randrange(BUYERS)}"
        filling = Purchase(
            f"{purchase.key}-topup", purchase.currency, "pix", purchase.at_s - 600, [(wallet, purchase.amount_minor, 0)]
        )
        self._journal.capture(filling, filling.at_s)
        self._journal.capture(purchase, purchase.at_s, payer=wallet)
        self._pay_out(purchase)

    def _refund_before_capture(self, purchase: Purchase) -> None:
        """The refund overtakes its capture: it waits, and posts after it."""
        captured_s = purchase.at_s + self._minutes(10, 60)
        self._journal.authorize(purchase, purchase.at_s)
        self._journal.refund(purchase, captured_s + 60, purchase.parts, sent_s=captured_s - 60)
        self._journal.capture(purchase, captured_s)

    def _void_before_authorization(self, purchase: Purchase) -> None:
        self._journal.void(purchase, purchase.at_s + 60, sent_s=purchase.at_s - 60)
        self._journal.authorize(purchase, purchase.at_s)

    def _without_beneficiaries(self, purchase: Purchase) -> None:
        """A finding: all of it stays in suspense."""
        self._journal.capture(purchase, purchase.at_s, parts=[])

    def _beneficiaries_differ(self, purchase: Purchase) -> None:
        """A finding: the parts are a little more or less than the amount."""
        off = self._random.choice((-250, -1, 1, 99))
        self._journal.capture(purchase, purchase.at_s, amount_minor=max(1, purchase.amount_minor + off))

    def _refund_too_large(self, purchase: Purchase) -> None:
        self._authorize_and_capture(purchase)
        account, amount_minor, bps = purchase.parts[0]
        self._journal.refund(
            purchase, purchase.at_s + self._days(1, 3), [(account, purchase.amount_minor + amount_minor, bps)]
        )

    def _account_unknown(self, purchase: Purchase) -> None:
        """Parks until someone opens the account, or gives the role one."""
        name = self._random.choice(("partner:logistics:7", "control:LOYALTY"))
        self._journal.capture(purchase, purchase.at_s, parts=[(name, purchase.amount_minor, 0)])

    def _pay_out(self, purchase: Purchase) -> None:
        if self._random.randrange(1000) < SHARES.paid_out:
            self._journal.pay_out(purchase, purchase.at_s + self._days(2, 7))

    # ------------------------------------------------------------------------------------ broken producers
    def _repeat_some(self) -> None:
        """Exact repeats, and a few that carry a known id with another payload."""
        for sent in self._random.sample(self._journal.sent, len(self._journal.sent) * SHARES.repeated // 1000):
            self._journal.write(sent.at_s + self._minutes(1, 2_000), sent.message)
        for sent in self._random.sample(self._journal.sent, len(self._journal.sent) * SHARES.conflicting // 1000):
            changed = sent.message.value.replace(b'"amount_minor":"', b'"amount_minor":"1', 1)
            if changed != sent.message.value:
                message = sent.message._replace(value=changed)
                self._journal.write(sent.at_s + self._minutes(2_001, 4_000), message)

    def _break_some(self) -> None:
        for number, kind in enumerate(BAD_KINDS, 1):
            at_s = MONTH_START_S + self._random.randrange(MONTH_S)
            message = kind.make(self._producer, f"bad-{number}", f"bad-order-{number}", rfc3339(at_s))
            self._journal.write(at_s, message)

    # ---------------------------------------------------------------------------------------------- chance
    def _purchase(self, number: int) -> Purchase:
        draw = self._random
        currency, unit = draw.choices([(code, unit) for code, _, unit in CURRENCIES], [w for _, w, _ in CURRENCIES])[0]
        parts = []
        for seller in draw.sample(range(SELLERS), draw.choices((1, 2, 3), (80, 15, 5))[0]):
            amount_minor = int(draw.paretovariate(1.5) * 30) * unit + (draw.randrange(unit) if unit > 1 else 0)
            account = f"wallet:seller:{currency.lower()}-{seller}"
            parts.append((account, min(amount_minor, 5_000_000), draw.choice((500, 1000, 1250, 1500))))
        at_s = MONTH_START_S + draw.randrange(MONTH_S)
        return Purchase(f"order-{number:06}", currency, draw.choice(METHODS), at_s, parts)

    def _minutes(self, low: int, high: int) -> int:
        return self._random.randint(low, high) * 60

    def _days(self, low: int, high: int) -> int:
        return self._random.randint(low, high) * 86_400
