-- Links between vouchers: which one reverses which, at most once, and which one compensates which.
SET ROLE ledger_owner;

-- A payment's void mirrors all its captures in one voucher, so reversal_position repeats there; reversed_position never does.
CREATE TABLE ledger.reversal (
    reversed_position bigint NOT NULL,
    reversal_position bigint NOT NULL,
    book_id integer NOT NULL,
    PRIMARY KEY (book_id, reversed_position),
    FOREIGN KEY (book_id, reversed_position) REFERENCES ledger.event (book_id, position),
    FOREIGN KEY (book_id, reversal_position) REFERENCES ledger.event (book_id, position),
    CHECK (reversed_position < reversal_position)
);
COMMENT ON TABLE ledger.reversal IS 'Each voucher is reversed at most once: the key says so, whoever writes';
CREATE INDEX reversal_by_mirror ON ledger.reversal (book_id, reversal_position);

CREATE TABLE ledger.compensation (
    compensating_position bigint NOT NULL,
    compensated_position bigint NOT NULL,
    book_id integer NOT NULL,
    PRIMARY KEY (book_id, compensating_position),
    FOREIGN KEY (book_id, compensating_position) REFERENCES ledger.event (book_id, position),
    FOREIGN KEY (book_id, compensated_position) REFERENCES ledger.event (book_id, position),
    CHECK (compensated_position < compensating_position)
);
COMMENT ON TABLE ledger.compensation IS 'A voucher may say which one it makes good; many may make good the same one';
CREATE INDEX compensation_by_original ON ledger.compensation (book_id, compensated_position);

CREATE TRIGGER reversal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.reversal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER compensation_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.compensation
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

GRANT SELECT ON ledger.reversal, ledger.compensation TO ledger_poster, ledger_projector, ledger_reader, ledger_reconciler;
GRANT INSERT ON ledger.reversal, ledger.compensation TO ledger_poster;

DO $$
DECLARE
    link_table text;
BEGIN
    FOREACH link_table IN ARRAY ARRAY['reversal', 'compensation'] LOOP
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ROW LEVEL SECURITY', link_table);
        EXECUTE format('CREATE POLICY one_book ON ledger.%I FOR SELECT TO ledger_reader
                        USING (book_id::text = current_setting(''ledger.book_id'', true))', link_table);
        EXECUTE format('CREATE POLICY every_book ON ledger.%I FOR SELECT TO ledger_projector, ledger_reconciler USING (true)', link_table);
    END LOOP;
END $$;

CREATE VIEW read.voucher_link WITH (security_invoker = true) AS
SELECT
    link.book_id, voucher.voucher_no, link.position, link.link, other.voucher_no AS other_voucher_no,
    link.other_position
FROM (
    SELECT book_id, reversal_position AS position, 'reverses' AS link, reversed_position AS other_position
    FROM ledger.reversal
    UNION ALL
    SELECT book_id, reversed_position, 'reversed_by', reversal_position FROM ledger.reversal
    UNION ALL
    SELECT book_id, compensating_position, 'compensates', compensated_position FROM ledger.compensation
    UNION ALL
    SELECT book_id, compensated_position, 'compensated_by', compensating_position FROM ledger.compensation
) AS link
INNER JOIN ledger.event AS voucher ON voucher.book_id = link.book_id AND voucher.position = link.position
INNER JOIN ledger.event AS other ON other.book_id = link.book_id AND other.position = link.other_position;
COMMENT ON VIEW read.voucher_link IS 'Which voucher reverses or compensates which, from both ends: each link is two rows';
COMMENT ON COLUMN read.voucher_link.book_id IS 'Number of the book';
COMMENT ON COLUMN read.voucher_link.voucher_no IS 'Gapless number of the voucher in its book';
COMMENT ON COLUMN read.voucher_link.position IS 'Place of the voucher in the log of the book';
COMMENT ON COLUMN read.voucher_link.link IS 'What the voucher is to the other: reverses, reversed_by, compensates or compensated_by';
COMMENT ON COLUMN read.voucher_link.other_voucher_no IS 'Number of the other voucher';
COMMENT ON COLUMN read.voucher_link.other_position IS 'Place of the other voucher in the log of the book';
GRANT SELECT ON read.voucher_link TO ledger_reader, ledger_projector, ledger_reconciler;
RESET ROLE;
