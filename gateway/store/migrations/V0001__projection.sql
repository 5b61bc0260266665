-- The journal's projection. `position` says up to which record; it moves in the same transaction as the rows.
CREATE TABLE position (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    latest_micros INTEGER NOT NULL
) STRICT;
INSERT INTO position VALUES (1, 0, 0, 0);

CREATE TABLE consents (
    consent BLOB PRIMARY KEY CHECK (length(consent) = 16),
    uses INTEGER NOT NULL CHECK (uses >= 0),
    withdrawn INTEGER NOT NULL CHECK (withdrawn IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Spend per data set is the sum over its rows: kept once.
CREATE TABLE privacy_spend (
    unit TEXT NOT NULL,
    scenario TEXT NOT NULL,
    data_set TEXT NOT NULL,
    nanos INTEGER NOT NULL CHECK (nanos >= 0),
    PRIMARY KEY (data_set, unit, scenario)
) STRICT, WITHOUT ROWID;

-- `day` counts days since 1970-01-01 in Asia/Shanghai.
CREATE TABLE usage (
    grant_name TEXT NOT NULL,
    day INTEGER NOT NULL,
    calls INTEGER NOT NULL CHECK (calls >= 0),
    quantity INTEGER NOT NULL CHECK (quantity >= 0),
    micro_yuan INTEGER NOT NULL CHECK (micro_yuan >= 0),
    PRIMARY KEY (grant_name, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE posted (
    unit TEXT PRIMARY KEY,
    micro_yuan INTEGER NOT NULL CHECK (micro_yuan >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE settled (
    grant_name TEXT NOT NULL,
    product TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (grant_name, product)
) STRICT, WITHOUT ROWID;

-- `status`: 0 open, 1 spent, 2 answered (then with amount and position).
CREATE TABLE marks (
    mark BLOB PRIMARY KEY CHECK (length(mark) = 16),
    unit TEXT NOT NULL,
    request BLOB,
    covered_consent BLOB,
    covered_nanos INTEGER NOT NULL CHECK (covered_nanos >= 0),
    status INTEGER NOT NULL CHECK (status IN (0, 1, 2)),
    micro_yuan INTEGER,
    epoch INTEGER,
    seq INTEGER,
    at_micros INTEGER NOT NULL,
    CHECK ((status = 2) = (micro_yuan IS NOT NULL AND epoch IS NOT NULL AND seq IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- Nonces come and go by the batch: one row per projected batch, 16 bytes per nonce (time, tag).
CREATE TABLE nonce_batches (
    seq INTEGER PRIMARY KEY,
    latest_micros INTEGER NOT NULL,
    packed BLOB NOT NULL
) STRICT;

CREATE TABLE open_intents (
    request BLOB PRIMARY KEY CHECK (length(request) = 16),
    unit TEXT NOT NULL,
    scenario TEXT NOT NULL,
    data_set TEXT NOT NULL,
    mark BLOB,
    consent BLOB,
    nanos INTEGER NOT NULL CHECK (nanos >= 0),
    held_micro_yuan INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
