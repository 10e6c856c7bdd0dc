-- What was written stays: tables of the ledger that no role changes at run time refuse their owner, too, and no table of
-- the ledger loses a row. (The log itself has refused since the first migration.)

SET ROLE ledger_owner;

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['account', 'book_directory', 'source'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', kept || '_append_only', kept);
    END LOOP;
    FOREACH kept IN ARRAY ARRAY['ledger.account_head', 'ledger.book', 'ledger.dead_letter', 'ledger.merchant',
            'ledger.period', 'ledger.source_position', 'ledger.subject', 'webhook.feed', 'webhook.replay'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE DELETE OR TRUNCATE ON %s
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()',
                       split_part(kept, '.', 2) || '_kept', kept);
    END LOOP;
END $$;

-- A dead letter is what came, and why it was refused. Only what it waits for moves, and, once, what resolved it.
CREATE FUNCTION ledger.refuse_letter() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told ledger.dead_letter := NEW;
BEGIN
    told.waits_for := OLD.waits_for;
    IF OLD.resolved_position IS NULL THEN
        told.resolved_position := NULL;
    END IF;
    IF told IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'DEAD_LETTER_KEPT: % of book % stays as it came', OLD.position, OLD.book_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER dead_letter_guard BEFORE UPDATE ON ledger.dead_letter
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_letter();
