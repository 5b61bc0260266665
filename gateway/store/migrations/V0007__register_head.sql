-- The last act on the register that the journal holds: a register that does not have it was edited, or is an older copy.
CREATE TABLE register_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL CHECK (revision > 0),
    digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;
-- A keyed digest over every row of every other table; null until the database is sealed for the first time.
CREATE TABLE seal (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB) STRICT;
INSERT INTO seal VALUES (1, NULL);
