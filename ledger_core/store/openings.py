"""Accounts as events open them: by what the event says, and for the rest by what the chart says of such an account."""

from ledger_core.domain.account_facts import AccountOpened
from ledger_core.domain.charts import Chart, Template
from ledger_core.domain.limits import NO_LIMITS
from ledger_core.store.account_events import asked_by
from ledger_core.store.books import Opening
from ledger_core.store.items import Item


def opening_of(fact: AccountOpened, chart: Chart) -> Opening:
    """Opened by an event it is bound by the limits that it would have opened with on the fly."""
    own = chart.template_for(fact.account, fact.currency) or Template(fact.account, fact.type)
    limits = own.limits if fact.limits is None else fact.limits
    template = Template(
        fact.account,
        fact.type,
        own.role if fact.role is None else fact.role,
        own.keyed if fact.keyed is None else fact.keyed,
        limits=None if limits == NO_LIMITS else limits,
    )
    return Opening(fact.account, fact.currency, template, fact.parent or "", asked_by(fact.requested_by))


def misses_account(item: Item) -> bool:
    """Whether it names an account that is not open, as far as was looked."""
    return item.draft is not None and any(line.account not in item.book.accounts for line in item.draft.lines)
