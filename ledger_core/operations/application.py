"""The eventsourcing application of one book: its aggregates, saved to and rebuilt from the ledger's log."""

from collections.abc import Mapping
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import ApplicationRecorder, Mapper
from eventsourcing.utils import Environment, EnvType, register_topic

from ledger_core.operations.account import ACCOUNT, Account
from ledger_core.operations.period import CLOSING, PERIOD_CLOSED, PERIOD_CLOSING, PERIOD_REOPENED, Closing
from ledger_core.store.account_events import (
    ACCOUNT_CLOSED,
    ACCOUNT_FROZEN,
    ACCOUNT_LIMITS_SET,
    ACCOUNT_OPENED,
    ACCOUNT_UNFROZEN,
)
from ledger_core.store.mapper import LedgerMapper
from ledger_core.store.recorder import LedgerRecorder

TOPICS: Mapping[str, type[object]] = {
    ACCOUNT: Account,
    ACCOUNT_OPENED: Account.Opened,
    ACCOUNT_FROZEN: Account.Frozen,
    ACCOUNT_UNFROZEN: Account.Unfrozen,
    CLOSING: Closing,
    PERIOD_CLOSING: Closing.Begun,
    PERIOD_CLOSED: Closing.Sealed,
    PERIOD_REOPENED: Closing.Reopened,
    ACCOUNT_LIMITS_SET: Account.LimitsSet,
    ACCOUNT_CLOSED: Account.Closed,
}
"""The class of every topic that stands in a log. A class may move or be renamed; its topic stays."""


def register_topics() -> None:
    """Tell eventsourcing which class folds which topic; a second time changes nothing."""
    for topic, topic_class in TOPICS.items():
        register_topic(topic, topic_class)


class LedgerApplication(Application[UUID]):
    """Aggregates of one book. The recorder decides which book and which database."""

    def __init__(self, recorder: LedgerRecorder) -> None:
        self.ledger_recorder = recorder
        register_topics()
        super().__init__()

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        # The base class reads os.environ, where a stray COMPRESSOR_TOPIC would change stored bytes.
        return Environment(name, env or {})

    def construct_mapper(self) -> Mapper[UUID]:
        return LedgerMapper()

    def construct_recorder(self) -> ApplicationRecorder:
        return self.ledger_recorder

    def account(self, account_id: UUID) -> Account:
        """The account as its events say; raises AggregateNotFoundError."""
        account: Account = self.repository.get(account_id)
        return account

    def period_closing(self, closing_id: UUID) -> Closing:
        """The closing of a period as its events say; raises AggregateNotFoundError."""
        closing: Closing = self.repository.get(closing_id)
        return closing
