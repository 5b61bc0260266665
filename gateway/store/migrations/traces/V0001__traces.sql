-- Who used what, in the order of time: an index over the journal, which stays the truth. Everything here is made again from the
-- journal, but for what a version of a product was made of: that is written down while the register still says so.

-- Up to which record of the journal was read; moves in the transaction of its effect.
CREATE TABLE position (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO position VALUES (1, 0, 0);

-- A version of a product.
CREATE TABLE editions (
    id INTEGER PRIMARY KEY,
    product TEXT NOT NULL,
    version INTEGER NOT NULL,
    operator TEXT,
    -- Whether the register stood at this very version whenever it was written down.
    exact INTEGER NOT NULL CHECK (exact IN (0, 1)),
    UNIQUE (product, version)
) STRICT;

-- The data sets that it is or was made of. So few rows that every use is found by them without one of its own per data set.
CREATE TABLE made_of (
    data_set TEXT NOT NULL,
    edition INTEGER NOT NULL REFERENCES editions (id),
    provider TEXT NOT NULL,
    PRIMARY KEY (data_set, edition)
) STRICT, WITHOUT ROWID;
CREATE INDEX made_of_by_edition ON made_of (edition, data_set);

CREATE TABLE units (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- The terms that many calls share. Absent names are empty.
CREATE TABLE trails (
    id INTEGER PRIMARY KEY,
    edition INTEGER NOT NULL REFERENCES editions (id),
    unit INTEGER NOT NULL REFERENCES units (id),
    operation TEXT NOT NULL,
    scenario TEXT NOT NULL,
    grant_name TEXT NOT NULL,
    agreement TEXT NOT NULL,
    price TEXT NOT NULL,
    UNIQUE (edition, unit, operation, scenario, grant_name, agreement, price)
) STRICT;
CREATE INDEX trails_by_unit ON trails (unit, edition);
CREATE INDEX trails_by_grant ON trails (grant_name);

-- One row a call. Times are microseconds, decisions their place in the list that the software has of them.
CREATE TABLE uses (
    edition INTEGER NOT NULL,
    at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    trail INTEGER NOT NULL,
    unit INTEGER NOT NULL,
    decision INTEGER NOT NULL,
    request BLOB NOT NULL CHECK (length(request) = 16),
    PRIMARY KEY (edition, at, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX uses_by_unit ON uses (unit, edition, at, seq);
