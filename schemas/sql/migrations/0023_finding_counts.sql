-- How many findings there are over all books, for metrics: by code and state, and nothing of what they say.

SET ROLE ledger_owner;

-- Runs as the owner: a reader sees the findings of one book at a time.
CREATE FUNCTION reconciliation.finding_counts() RETURNS TABLE (code text, state text, findings bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT finding.code, finding.state, count(*) FROM reconciliation.finding GROUP BY finding.code, finding.state
$$;
COMMENT ON FUNCTION reconciliation.finding_counts() IS 'Number of findings by code and state, over all books';

REVOKE ALL ON FUNCTION reconciliation.finding_counts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reconciliation.finding_counts() TO ledger_reader;

RESET ROLE;
