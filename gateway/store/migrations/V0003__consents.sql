-- The consent that the one held narrows.
ALTER TABLE open_intents ADD COLUMN consent_parent BLOB;

-- Uses of data about persons, and tries that were refused for want of consent: what a person may see (去向可查). Keyed
-- tags only. `decision` is that of the call's record, `code` the number of a refusal.
CREATE TABLE data_uses (
    seq INTEGER PRIMARY KEY,
    at_micros INTEGER NOT NULL,
    subject BLOB CHECK (subject IS NULL OR length(subject) = 16),
    consent BLOB CHECK (consent IS NULL OR length(consent) = 16),
    unit TEXT NOT NULL,
    scenario TEXT NOT NULL,
    product TEXT NOT NULL,
    operation TEXT NOT NULL,
    purpose TEXT,
    decision TEXT NOT NULL CHECK (decision IN ('answered', 'refused', 'failed', 'replayed', 'planned')),
    code INTEGER
) STRICT;
CREATE INDEX data_uses_by_subject ON data_uses (subject, seq) WHERE subject IS NOT NULL;
CREATE INDEX data_uses_by_consent ON data_uses (consent, seq) WHERE consent IS NOT NULL;

-- Built again from the journal at the next start: the records of before have uses too.
DELETE FROM consents;
DELETE FROM privacy_spend;
DELETE FROM usage;
DELETE FROM posted;
DELETE FROM settled;
DELETE FROM marks;
DELETE FROM nonce_batches;
DELETE FROM open_intents;
UPDATE position SET epoch = 0, seq = 0, latest_micros = 0;
