-- What an act binds. `digest` covers the act, what it left behind, and the act before: it stands in the journal too. Acts of
-- software that did not bind have none; one act at the first start of this software binds all that stood then.
ALTER TABLE acts ADD COLUMN digest BLOB CHECK (digest IS NULL OR length(digest) = 32);

-- What each act left of each thing it touched: salted digests of its parts, each of 16 bytes; of one part where it was
-- taken away. `version` is the version of the thing, `act` the act whose salt it is.
CREATE TABLE bindings (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    act INTEGER NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (kind, name, act)
) STRICT, WITHOUT ROWID;
CREATE INDEX bindings_by_act ON bindings (act, kind, name);

-- Every version of an object that was replaced or removed. The present one stands in `objects`.
CREATE TABLE versions (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    owner TEXT,
    spec TEXT NOT NULL,
    state_name TEXT,
    state TEXT,
    editable INTEGER NOT NULL CHECK (editable IN (0, 1)),
    written_micros INTEGER NOT NULL,
    PRIMARY KEY (kind, name, version)
) STRICT, WITHOUT ROWID;

-- A keyed digest over every row of every other table; null until the register is sealed for the first time.
CREATE TABLE seal (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB) STRICT;
INSERT INTO seal VALUES (1, NULL);
