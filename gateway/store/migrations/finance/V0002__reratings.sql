-- Re-rating (重新计费): closed months worked out again by corrected prices, by two persons. What comes of it stands in a later period.
CREATE TABLE rerating (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    month INTEGER NOT NULL,
    -- The corrected prices, as JSON; what they differ by is worked out anew when it is approved and must be the same.
    changes TEXT NOT NULL,
    reason TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    lines INTEGER NOT NULL CHECK (lines > 0),
    proposed_by TEXT NOT NULL,
    proposed_at INTEGER NOT NULL,
    approved_by TEXT,
    approved_at INTEGER,
    -- The period in which the differences are billed.
    period INTEGER CHECK (period > month),
    CHECK ((approved_by IS NULL) = (approved_at IS NULL) AND (approved_by IS NULL) = (period IS NULL)),
    -- Two persons.
    CHECK (approved_by IS NULL OR approved_by <> proposed_by)
) STRICT;
CREATE TRIGGER rerating_is_proposed BEFORE INSERT ON rerating WHEN NEW.approved_by IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a re-rating is proposed first'); END;
CREATE TRIGGER rerating_goes_on BEFORE UPDATE ON rerating
WHEN OLD.approved_by IS NOT NULL OR NEW.number <> OLD.number OR NEW.month <> OLD.month OR NEW.changes <> OLD.changes
  OR NEW.reason <> OLD.reason OR NEW.digest <> OLD.digest OR NEW.lines <> OLD.lines
  OR NEW.proposed_by <> OLD.proposed_by OR NEW.proposed_at <> OLD.proposed_at
BEGIN SELECT RAISE(ABORT, 'a re-rating is approved once'); END;
CREATE TRIGGER rerating_stays BEFORE DELETE ON rerating BEGIN SELECT RAISE(ABORT, 'append-only'); END;

CREATE TABLE correction (
    rerating INTEGER NOT NULL REFERENCES rerating (number),
    number INTEGER NOT NULL,
    period INTEGER NOT NULL,
    unit TEXT NOT NULL,
    agreement TEXT NOT NULL,
    scenario TEXT NOT NULL,
    product TEXT NOT NULL,
    price TEXT NOT NULL,
    purpose INTEGER NOT NULL,
    basis INTEGER NOT NULL,
    month INTEGER NOT NULL CHECK (month < period),
    exact INTEGER NOT NULL,
    notional INTEGER NOT NULL,
    act TEXT NOT NULL,
    PRIMARY KEY (rerating, number),
    CHECK (exact <> 0 OR notional <> 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX correction_by_period ON correction (period);
CREATE TRIGGER correction_open BEFORE INSERT ON correction
WHEN EXISTS (SELECT 1 FROM period WHERE month = NEW.period AND state = 2)
BEGIN SELECT RAISE(ABORT, 'the period is closed'); END;
CREATE TRIGGER correction_kept BEFORE UPDATE ON correction BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER correction_stays BEFORE DELETE ON correction BEGIN SELECT RAISE(ABORT, 'append-only'); END;

-- What was billed for a line, month by month.
CREATE INDEX line_by_line ON line (unit, agreement, scenario, product, price, purpose, basis, month);
