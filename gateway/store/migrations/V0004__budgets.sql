-- Privacy budgets by person-space: what was spent stays with the people it was spent on, whatever becomes of a data set.
-- `measure`: 1 epsilon, 2 rho. `refunded`, `days`: 16 bytes per local day (day, nanos), big-endian, ascending.
CREATE TABLE privacy_spaces (
    space TEXT PRIMARY KEY CHECK (length(space) > 0),
    measure INTEGER NOT NULL CHECK (measure IN (1, 2)),
    refunded BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE privacy_accounts (
    space TEXT NOT NULL CHECK (length(space) > 0),
    data_set TEXT NOT NULL,
    unit TEXT NOT NULL,
    scenario TEXT NOT NULL,
    nanos INTEGER NOT NULL CHECK (nanos >= 0),
    days BLOB NOT NULL,
    PRIMARY KEY (space, data_set, unit, scenario)
) STRICT, WITHOUT ROWID;

CREATE TABLE privacy_refunds (
    request BLOB PRIMARY KEY CHECK (length(request) = 16)
) STRICT, WITHOUT ROWID;

CREATE TABLE open_debits (
    request BLOB PRIMARY KEY CHECK (length(request) = 16),
    space TEXT NOT NULL,
    data_set TEXT NOT NULL,
    unit TEXT NOT NULL,
    scenario TEXT NOT NULL,
    measure INTEGER NOT NULL CHECK (measure IN (1, 2)),
    day INTEGER NOT NULL,
    nanos INTEGER NOT NULL CHECK (nanos > 0)
) STRICT, WITHOUT ROWID;

-- Spending that names no person-space cannot be carried over, and must not be forgotten: a row here fails the check above
-- and stops the start.
INSERT INTO privacy_accounts SELECT '', data_set, unit, scenario, nanos, x'' FROM privacy_spend;
DROP TABLE privacy_spend;

ALTER TABLE open_intents DROP COLUMN unit;
ALTER TABLE open_intents DROP COLUMN scenario;
ALTER TABLE open_intents DROP COLUMN data_set;
ALTER TABLE open_intents DROP COLUMN nanos;
