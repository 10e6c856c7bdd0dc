"""Everything that an upstream event can say."""

from ledger_core.domain.account_facts import AccountFact
from ledger_core.domain.cash import DrawerFact
from ledger_core.domain.commerce import CommerceFact
from ledger_core.domain.holds import HoldFact
from ledger_core.domain.merchants import MerchantChanged
from ledger_core.domain.notices import NoticeFact
from ledger_core.domain.payment_methods import PaymentMethodFact
from ledger_core.domain.payments import PaymentFact
from ledger_core.domain.references import VoidRequested
from ledger_core.domain.requests import CompensationRequested, VoucherGroupRequested, VoucherRequested
from ledger_core.domain.stories import StoryFact
from ledger_core.domain.strays import Stray
from ledger_core.domain.transfers import TransferFact

Fact = (
    Stray
    | PaymentFact
    | StoryFact
    | VoucherRequested
    | CompensationRequested
    | VoidRequested
    | HoldFact
    | DrawerFact
    | PaymentMethodFact
    | AccountFact
    | MerchantChanged
    | CommerceFact
    | NoticeFact
    | TransferFact
)
"""What one event of the log is about; each has a rule."""

UpstreamFact = Fact | VoucherGroupRequested
"""What one upstream event says: of a group, each member is an event of the log."""
