-- name: parts
-- Parts of locked order keys: whoever writes one has locked its subject before.
SELECT part.book_id, part.order_key, part.kind, part.part_id, told, amount_minor, used_minor, asset_id, vouchers
FROM unnest(%(books)s::integer[], %(keys)s::text[], %(kinds)s::text[], %(ids)s::text[])
    AS asked (book_id, order_key, kind, part_id)
JOIN ledger.subject_part AS part USING (book_id, order_key, kind, part_id);

-- name: parts_to_reverse
-- Payouts of locked order keys and what of their payments is taken, for requests to take a voucher back.
SELECT part.book_id, part.order_key, part.kind, part.part_id, told, amount_minor, used_minor, asset_id, vouchers
FROM unnest(%(books)s::integer[], %(keys)s::text[]) AS asked (book_id, order_key)
JOIN ledger.subject_part AS part USING (book_id, order_key)
WHERE part.kind IN ('payment', 'payout');

-- name: legs
-- How payments of locked order keys were split, and what of that went where.
SELECT part.book_id, part.order_key, part.kind, part.part_id, told, amount_minor, used_minor, asset_id, vouchers
FROM unnest(%(books)s::integer[], %(keys)s::text[]) AS asked (book_id, order_key)
JOIN ledger.subject_part AS part USING (book_id, order_key)
WHERE part.kind IN ('leg', 'leg_back', 'kept', 'commission');

-- name: parts_of_keys
-- All parts of locked order keys: those of a transfer add up to what was received of it, and who approved.
SELECT part.book_id, part.order_key, part.kind, part.part_id, told, amount_minor, used_minor, asset_id, vouchers
FROM unnest(%(books)s::integer[], %(keys)s::text[]) AS asked (book_id, order_key)
JOIN ledger.subject_part AS part USING (book_id, order_key);

-- name: first_told
-- The ids of upstream events by their place in the log, as parts of what happens once keep it.
SELECT asked.n, convert_from(event.state, 'UTF8')::jsonb ->> 'event_id'
FROM unnest(%(books)s::integer[], %(references)s::bigint[]) WITH ORDINALITY AS asked (book_id, reference, n)
JOIN ledger.block ON block.book_id = asked.book_id AND block.batch_id = asked.reference >> 16
JOIN ledger.event ON event.book_id = asked.book_id AND event.position = block.first_position + (asked.reference & 65535);

-- name: write_parts
-- Step 7 on the exact path: parts that are new, or were told something.
INSERT INTO ledger.subject_part (book_id, order_key, kind, part_id, told, amount_minor, used_minor, asset_id, vouchers)
SELECT book_id, order_key, kind, part_id, told, amount_minor, used_minor, asset_id, vouchers::bigint[]
FROM unnest(%(books)s::integer[], %(keys)s::text[], %(kinds)s::text[], %(ids)s::text[], %(told)s::bigint[],
    %(amounts)s::bigint[], %(used)s::bigint[], %(assets)s::smallint[], %(vouchers)s::text[])
    AS after (book_id, order_key, kind, part_id, told, amount_minor, used_minor, asset_id, vouchers)
ON CONFLICT (book_id, order_key, kind, part_id) DO UPDATE
SET told = excluded.told, amount_minor = excluded.amount_minor, used_minor = excluded.used_minor,
    asset_id = excluded.asset_id, vouchers = excluded.vouchers;
