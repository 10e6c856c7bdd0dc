"""Everything that an upstream event can say."""

from ledger_core.domain.payments import PaymentFact

Fact = PaymentFact
