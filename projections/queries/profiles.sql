-- name: profiles
-- A page of settlement profiles in the order of their beneficiaries.
SELECT beneficiary, status, verified, rails, bank_account_ref, revision FROM read.settlement_profile
WHERE book_id = %(book_id)s AND beneficiary > %(after)s AND (%(status)s::text IS NULL OR status = %(status)s)
ORDER BY beneficiary LIMIT %(limit)s;

-- name: profile
-- One settlement profile.
SELECT beneficiary, status, verified, rails, bank_account_ref, revision FROM read.settlement_profile
WHERE book_id = %(book_id)s AND beneficiary = %(beneficiary)s;
