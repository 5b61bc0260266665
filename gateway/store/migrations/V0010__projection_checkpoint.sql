-- The last record by which the log was told what the projection adds up to: up to which record, the SHA-256 of its canonical
-- form, and where that record stands. Records before are given up only behind it.
CREATE TABLE projection_checkpoint (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL CHECK (seq >= 0),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    at_epoch INTEGER NOT NULL,
    at_seq INTEGER NOT NULL
) STRICT;
