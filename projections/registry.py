"""Every read model. To add one: its folder, its table in a migration, its row here."""

from projections.beneficiaries.table import BENEFICIARIES
from projections.daily_balances.table import DAILY_BALANCES
from projections.parts.table import PARTS
from projections.payments.table import PAYMENTS
from projections.projection import Projection
from projections.rates.table import RATES
from projections.trial_balance.table import TRIAL_BALANCE

PROJECTIONS: tuple[Projection, ...] = (PAYMENTS, PARTS, BENEFICIARIES, RATES, DAILY_BALANCES, TRIAL_BALANCE)
