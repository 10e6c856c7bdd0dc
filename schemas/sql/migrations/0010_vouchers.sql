-- Vouchers by hand: the purposes that their lines may have. The list is that of `Purpose`: append only.
SET ROLE ledger_owner;

CREATE OR REPLACE FUNCTION ledger.purpose_name(purpose smallint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (ARRAY['payment', 'seller_share', 'platform_fee', 'suspense', 'unallocated', 'refund', 'payout', 'reversal', 'adjustment',
        'transfer', 'fee', 'chargeback', 'cash', 'opening', 'closing', 'exchange', 'cogs', 'inventory'])[purpose]
$$;

RESET ROLE;
