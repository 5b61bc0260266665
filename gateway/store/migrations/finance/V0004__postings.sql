-- Postings that move money out or take one back: proposed by one person, decided by another.
CREATE TABLE posting_proposal (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    -- pay-out, refund, reverse
    kind TEXT NOT NULL CHECK (kind IN ('pay-out', 'refund', 'reverse')),
    -- The bank's reference; for a reversal, the key of the transaction that it takes back.
    key TEXT NOT NULL,
    -- Whom the money goes to, and how much; nothing for a reversal.
    party TEXT,
    amount_fen INTEGER CHECK (amount_fen > 0),
    reason TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_at INTEGER NOT NULL,
    decided_by TEXT,
    decided_at INTEGER,
    -- The key of what was posted; null where it was declined.
    posted TEXT REFERENCES txn (key),
    CHECK ((kind = 'reverse') = (party IS NULL) AND (party IS NULL) = (amount_fen IS NULL)),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL) AND (posted IS NULL OR decided_by IS NOT NULL)),
    -- Two persons, but to decline.
    CHECK (posted IS NULL OR decided_by <> proposed_by)
) STRICT;
CREATE TRIGGER posting_proposal_begins BEFORE INSERT ON posting_proposal WHEN NEW.decided_by IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a posting is proposed first'); END;
CREATE TRIGGER posting_proposal_goes_on BEFORE UPDATE ON posting_proposal
WHEN OLD.decided_by IS NOT NULL OR NEW.number <> OLD.number OR NEW.kind <> OLD.kind OR NEW.key <> OLD.key
  OR NEW.party IS NOT OLD.party OR NEW.amount_fen IS NOT OLD.amount_fen OR NEW.reason <> OLD.reason
  OR NEW.proposed_by <> OLD.proposed_by OR NEW.proposed_at <> OLD.proposed_at
BEGIN SELECT RAISE(ABORT, 'a posting is decided once'); END;
CREATE TRIGGER posting_proposal_stays BEFORE DELETE ON posting_proposal
BEGIN SELECT RAISE(ABORT, 'append-only'); END;

-- Key of a payment: template/party/reference. A reference is looked up whatever its case.
CREATE INDEX txn_by_reference ON txn (
    lower(substr(substr(key, instr(key, '/') + 1), instr(substr(key, instr(key, '/') + 1), '/') + 1))
) WHERE corrects IS NULL AND template IN ('prepay', 'pay', 'pay-out', 'refund');
CREATE INDEX txn_by_corrected ON txn (corrects) WHERE corrects IS NOT NULL;
