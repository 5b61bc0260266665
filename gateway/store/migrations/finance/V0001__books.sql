-- The books (账簿). What is closed is never changed: triggers refuse it to this software too.
-- Money is micro-yuan unless a column ends in _fen; months count from year 0, hours from 1970, times are microseconds.

-- Up to which record of the journal roll-ups were gathered; moves in the transaction of its effect.
CREATE TABLE position (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO position VALUES (1, 0, 0);

-- 0 open, 1 soft-closed, 2 closed. A month without a row is open.
CREATE TABLE period (
    month INTEGER PRIMARY KEY,
    state INTEGER NOT NULL CHECK (state IN (1, 2)),
    soft_by TEXT NOT NULL,
    soft_at INTEGER NOT NULL,
    closed_by TEXT,
    closed_at INTEGER,
    reached INTEGER,
    digest BLOB CHECK (length(digest) = 32),
    CHECK ((state = 2) = (closed_by IS NOT NULL AND closed_at IS NOT NULL AND reached IS NOT NULL AND digest IS NOT NULL)),
    -- Two persons.
    CHECK (closed_by IS NULL OR closed_by <> soft_by)
) STRICT;
CREATE TRIGGER period_begins_soft BEFORE INSERT ON period WHEN NEW.state <> 1
BEGIN SELECT RAISE(ABORT, 'a period is soft-closed first'); END;
CREATE TRIGGER period_goes_on BEFORE UPDATE ON period
WHEN OLD.state = 2 OR NEW.month <> OLD.month OR NEW.soft_by <> OLD.soft_by OR NEW.soft_at <> OLD.soft_at
BEGIN SELECT RAISE(ABORT, 'a closed period does not change'); END;
CREATE TRIGGER period_stays BEFORE DELETE ON period
BEGIN SELECT RAISE(ABORT, 'a period stays'); END;

-- Calls gathered by hour. `period` is the month they are posted in, which is later than their own for late ones.
CREATE TABLE rollup (
    period INTEGER NOT NULL,
    unit TEXT NOT NULL,
    agreement TEXT NOT NULL,
    scenario TEXT NOT NULL,
    product TEXT NOT NULL,
    price TEXT NOT NULL,
    purpose INTEGER NOT NULL,
    basis INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    operation TEXT NOT NULL,
    calls INTEGER NOT NULL CHECK (calls > 0),
    quantity INTEGER NOT NULL CHECK (quantity >= 0),
    amount INTEGER NOT NULL CHECK (amount >= 0),
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    PRIMARY KEY (period, unit, agreement, scenario, product, price, purpose, basis, hour, operation)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER rollup_open BEFORE INSERT ON rollup
WHEN EXISTS (SELECT 1 FROM period WHERE month = NEW.period AND state = 2)
BEGIN SELECT RAISE(ABORT, 'the period is closed'); END;
CREATE TRIGGER rollup_kept BEFORE UPDATE ON rollup
WHEN EXISTS (SELECT 1 FROM period WHERE month = OLD.period AND state = 2)
BEGIN SELECT RAISE(ABORT, 'the period is closed'); END;
CREATE TRIGGER rollup_stays BEFORE DELETE ON rollup
WHEN EXISTS (SELECT 1 FROM period WHERE month = OLD.period AND state = 2)
BEGIN SELECT RAISE(ABORT, 'the period is closed'); END;

-- The right edge of the Merkle tree (RFC 6962) over the records of a unit's calls of a period.
CREATE TABLE call_tree (
    period INTEGER NOT NULL,
    unit TEXT NOT NULL,
    size INTEGER NOT NULL CHECK (size > 0),
    edge BLOB NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    PRIMARY KEY (period, unit)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER call_tree_kept BEFORE UPDATE ON call_tree
WHEN EXISTS (SELECT 1 FROM period WHERE month = OLD.period AND state = 2)
BEGIN SELECT RAISE(ABORT, 'the period is closed'); END;
CREATE TRIGGER call_tree_stays BEFORE DELETE ON call_tree
BEGIN SELECT RAISE(ABORT, 'the period is closed'); END;

CREATE TABLE line (
    period INTEGER NOT NULL,
    number INTEGER NOT NULL,
    unit TEXT NOT NULL,
    agreement TEXT NOT NULL,
    scenario TEXT NOT NULL,
    product TEXT NOT NULL,
    price TEXT NOT NULL,
    purpose INTEGER NOT NULL,
    basis INTEGER NOT NULL,
    -- The month the calls were made in: before `period` for a correction of it.
    month INTEGER NOT NULL CHECK (month <= period),
    calls INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    exact INTEGER NOT NULL,
    adjustment INTEGER NOT NULL,
    notional INTEGER NOT NULL,
    gross_fen INTEGER NOT NULL,
    net_fen INTEGER NOT NULL,
    tax_fen INTEGER NOT NULL,
    residue INTEGER NOT NULL,
    vat_parts INTEGER NOT NULL,
    act TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    PRIMARY KEY (period, number),
    CHECK (gross_fen = net_fen + tax_fen),
    CHECK (exact = gross_fen * 10000 + residue)
) STRICT, WITHOUT ROWID;

CREATE TABLE statement (
    number TEXT PRIMARY KEY,
    period INTEGER NOT NULL,
    unit TEXT NOT NULL,
    gross_fen INTEGER NOT NULL,
    net_fen INTEGER NOT NULL,
    tax_fen INTEGER NOT NULL,
    first_line INTEGER NOT NULL,
    end_line INTEGER NOT NULL,
    root BLOB CHECK (length(root) = 32),
    size INTEGER,
    first_seq INTEGER,
    last_seq INTEGER,
    UNIQUE (period, unit),
    CHECK (gross_fen = net_fen + tax_fen)
) STRICT, WITHOUT ROWID;

-- What units and finance say about a statement; its state follows from the last.
CREATE TABLE statement_act (
    statement TEXT NOT NULL REFERENCES statement (number),
    number INTEGER NOT NULL,
    act TEXT NOT NULL CHECK (act IN ('confirm', 'dispute', 'resolve')),
    account TEXT NOT NULL,
    organisation TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (statement, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE share (
    period INTEGER NOT NULL,
    number INTEGER NOT NULL,
    party TEXT NOT NULL,
    agreement TEXT NOT NULL,
    product TEXT NOT NULL,
    base_fen INTEGER NOT NULL,
    weight TEXT NOT NULL,
    whole TEXT NOT NULL,
    amount_fen INTEGER NOT NULL,
    PRIMARY KEY (period, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE bill (
    number TEXT PRIMARY KEY,
    period INTEGER NOT NULL,
    party TEXT NOT NULL,
    amount_fen INTEGER NOT NULL,
    first_share INTEGER NOT NULL,
    end_share INTEGER NOT NULL,
    UNIQUE (period, party)
) STRICT, WITHOUT ROWID;

CREATE TABLE contribution (
    period INTEGER NOT NULL,
    party TEXT NOT NULL,
    product TEXT NOT NULL,
    calls INTEGER NOT NULL,
    records INTEGER NOT NULL,
    charged INTEGER NOT NULL,
    revenue_fen INTEGER NOT NULL,
    notional INTEGER NOT NULL,
    share_fen INTEGER NOT NULL,
    PRIMARY KEY (period, party, product)
) STRICT, WITHOUT ROWID;

-- Revenue that counts towards an operator's permitted revenue.
CREATE TABLE revenue (
    period INTEGER NOT NULL,
    operator TEXT NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (period, operator)
) STRICT, WITHOUT ROWID;

-- Alerts of permitted revenues that were raised.
CREATE TABLE alert (
    permitted TEXT NOT NULL,
    percent INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (permitted, percent)
) STRICT, WITHOUT ROWID;

-- The ledger: a chain of transactions.
CREATE TABLE txn (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    key TEXT NOT NULL UNIQUE,
    template TEXT NOT NULL,
    period INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    corrects TEXT,
    previous BLOB NOT NULL CHECK (length(previous) = 32),
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32)
) STRICT;
CREATE TABLE entry (
    txn INTEGER NOT NULL REFERENCES txn (number),
    number INTEGER NOT NULL,
    account TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (txn, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_by_account ON entry (account, txn);
CREATE TRIGGER txn_follows BEFORE INSERT ON txn
WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM txn)
  OR NEW.previous <> coalesce((SELECT hash FROM txn ORDER BY number DESC LIMIT 1), zeroblob(32))
BEGIN SELECT RAISE(ABORT, 'a transaction follows the last'); END;
CREATE TRIGGER entry_of_last BEFORE INSERT ON entry
WHEN NEW.txn <> (SELECT max(number) FROM txn)
BEGIN SELECT RAISE(ABORT, 'a transaction is written once'); END;

CREATE TRIGGER txn_kept BEFORE UPDATE ON txn BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER txn_stays BEFORE DELETE ON txn BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER entry_kept BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER entry_stays BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER line_kept BEFORE UPDATE ON line BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER line_stays BEFORE DELETE ON line BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER statement_kept BEFORE UPDATE ON statement BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER statement_stays BEFORE DELETE ON statement BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER statement_act_kept BEFORE UPDATE ON statement_act BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER statement_act_stays BEFORE DELETE ON statement_act BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER share_kept BEFORE UPDATE ON share BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER share_stays BEFORE DELETE ON share BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER bill_kept BEFORE UPDATE ON bill BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER bill_stays BEFORE DELETE ON bill BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER contribution_kept BEFORE UPDATE ON contribution BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER contribution_stays BEFORE DELETE ON contribution BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER revenue_kept BEFORE UPDATE ON revenue BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER revenue_stays BEFORE DELETE ON revenue BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER alert_kept BEFORE UPDATE ON alert BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER alert_stays BEFORE DELETE ON alert BEGIN SELECT RAISE(ABORT, 'append-only'); END;
