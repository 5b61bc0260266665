-- What objects in force claim for themselves: codes that are given once, windows that do not overlap. Two objects with
-- the same `of` and `key` at one instant stand together only where both say the same in `shared_as`.
CREATE TABLE marks (
    of TEXT NOT NULL,
    key TEXT NOT NULL,
    from_micros INTEGER NOT NULL,
    until_micros INTEGER NOT NULL,
    shared_as TEXT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (of, key, kind, name, from_micros),
    FOREIGN KEY (kind, name) REFERENCES objects (kind, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX marks_by_object ON marks (kind, name);
