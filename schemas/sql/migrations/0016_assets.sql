-- Assets that are added while the ledger runs: their numbers follow those of the first seeding, and what an asset is
-- never changes, for its scale says what every stored amount of it means.

SET ROLE ledger_owner;

CREATE SEQUENCE ledger.asset_id AS smallint MINVALUE 1000 START WITH 1003;
COMMENT ON SEQUENCE ledger.asset_id IS 'Numbers of assets that have none by ISO 4217; 1000 to 1002 came with the schema';
GRANT USAGE ON SEQUENCE ledger.asset_id TO ledger_poster;
GRANT INSERT ON ledger.asset TO ledger_poster;

CREATE TRIGGER asset_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.asset
FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

RESET ROLE;
