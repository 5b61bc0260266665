-- Which person an account is (实名): by a keyed index, never by the identifier.
CREATE TABLE holders (
    account TEXT PRIMARY KEY,
    holder BLOB NOT NULL UNIQUE CHECK (length(holder) = 32),
    bound_micros INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Consents given, by issuer and identifier. `claims` is the token's payload without its signature: nobody can present it.
-- `subject` is the unit's pairwise pseudonym. `list` and `idx` are the place in a status list, for our own.
CREATE TABLE consents (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    jti TEXT NOT NULL UNIQUE,
    issuer TEXT NOT NULL,
    holder BLOB NOT NULL CHECK (length(holder) = 32),
    subject BLOB NOT NULL CHECK (length(subject) = 32),
    unit TEXT NOT NULL,
    parent TEXT,
    claims TEXT NOT NULL,
    list INTEGER,
    idx INTEGER,
    given_micros INTEGER NOT NULL,
    expires_micros INTEGER NOT NULL,
    withdrawn_micros INTEGER,
    UNIQUE (list, idx),
    CHECK ((list IS NULL) = (idx IS NULL))
) STRICT;
CREATE INDEX consents_by_holder ON consents (holder, seq);
CREATE INDEX consents_by_parent ON consents (parent) WHERE parent IS NOT NULL;

-- Signed receipts: of the giving, and of the withdrawal.
CREATE TABLE receipts (
    jti TEXT NOT NULL REFERENCES consents (jti),
    event TEXT NOT NULL CHECK (event IN ('given', 'withdrawn')),
    receipt TEXT NOT NULL,
    PRIMARY KEY (jti, event)
) STRICT, WITHOUT ROWID;

-- What the gate is fed: every withdrawal once, in order.
CREATE TABLE withdrawals (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    issuer TEXT NOT NULL,
    jti TEXT NOT NULL UNIQUE REFERENCES consents (jti)
) STRICT;
