-- name: unsure
-- Of events that would open an account, those of whose order key more is known than that it was authorised, whose period is
-- closed, or of whose other accounts one is not open or has limits that deny; places from 0.
SELECT asked.place - 1
FROM unnest(%(books)s::integer[], %(keys)s::text[], %(effective_us)s::bigint[]) WITH ORDINALITY
    AS asked (book_id, order_key, effective_us, place)
JOIN ledger.book USING (book_id)
WHERE book.closed_through >= to_timestamp(0) + asked.effective_us * interval '1 microsecond'
    OR EXISTS (
        SELECT FROM ledger.subject
        WHERE subject.book_id = asked.book_id AND subject.order_key = asked.order_key
            AND (parked > 0 OR voided OR captured_minor > 0 OR refunded_minor > 0 OR marks <> 0))
UNION
SELECT asked.place
FROM unnest(%(places)s::bigint[], %(head_books)s::integer[], %(accounts)s::integer[]) AS asked (place, book_id, account_id)
JOIN ledger.account_head AS head USING (book_id, account_id)
WHERE head.status <> 'O' OR head.limit_policy = 'D';

-- name: opened_by_others
-- How many of these accounts exist by now?
SELECT count(*)
FROM unnest(%(books)s::integer[], %(codes)s::text[]) AS asked (book_id, code)
JOIN ledger.account USING (book_id, code);
