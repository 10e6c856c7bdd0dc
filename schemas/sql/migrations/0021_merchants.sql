-- Merchants: which book is whose, and how far the changes of its row were applied. A dropped book takes no posting.

SET ROLE ledger_owner;

ALTER TABLE ledger.book DROP CONSTRAINT book_posting_mode_check;
ALTER TABLE ledger.book ADD CONSTRAINT book_posting_mode_check CHECK (posting_mode IN ('open', 'halted', 'dropped'));

CREATE TABLE ledger.merchant (
    book_id integer PRIMARY KEY REFERENCES ledger.book,
    log_offset bigint NOT NULL,
    partition integer NOT NULL,
    incarnation integer NOT NULL,
    status text NOT NULL CHECK (status IN ('PROVISIONED', 'ACTIVE', 'DROPPED')),
    merchant_id text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL
);
COMMENT ON TABLE ledger.merchant IS 'The merchant of each book that change data capture opened, and the last change that was applied to it';

GRANT SELECT ON ledger.merchant TO ledger_poster, ledger_projector, ledger_reconciler;
GRANT INSERT, UPDATE ON ledger.merchant TO ledger_poster;

RESET ROLE;
