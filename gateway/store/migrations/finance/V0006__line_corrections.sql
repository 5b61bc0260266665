-- Corrections of single lines (单行更正): proposed by one person, decided by another.
CREATE TABLE line_correction (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    unit TEXT NOT NULL,
    agreement TEXT NOT NULL,
    scenario TEXT NOT NULL,
    product TEXT NOT NULL,
    price TEXT NOT NULL,
    purpose INTEGER NOT NULL,
    basis INTEGER NOT NULL,
    -- The month of the line's calls.
    month INTEGER NOT NULL,
    -- What is charged more, or less, in micro-yuan.
    exact INTEGER NOT NULL CHECK (exact <> 0),
    reason TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_at INTEGER NOT NULL,
    decided_by TEXT,
    decided_at INTEGER,
    -- The period that it is billed in: the month itself while that is open, else the first that is. Null where it was declined.
    period INTEGER CHECK (period >= month),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL) AND (period IS NULL OR decided_by IS NOT NULL)),
    -- Two persons, but to decline.
    CHECK (period IS NULL OR decided_by <> proposed_by)
) STRICT;
CREATE INDEX line_correction_by_period ON line_correction (period) WHERE period IS NOT NULL;
CREATE INDEX line_correction_by_month ON line_correction (month) WHERE period IS NOT NULL;
CREATE TRIGGER line_correction_begins BEFORE INSERT ON line_correction WHEN NEW.decided_by IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a correction is proposed first'); END;
CREATE TRIGGER line_correction_open BEFORE UPDATE ON line_correction
WHEN EXISTS (SELECT 1 FROM period WHERE month = NEW.period AND state = 2)
BEGIN SELECT RAISE(ABORT, 'the period is closed'); END;
CREATE TRIGGER line_correction_goes_on BEFORE UPDATE ON line_correction
WHEN OLD.decided_by IS NOT NULL OR NEW.number <> OLD.number OR NEW.unit <> OLD.unit OR NEW.agreement <> OLD.agreement
  OR NEW.scenario <> OLD.scenario OR NEW.product <> OLD.product OR NEW.price <> OLD.price OR NEW.purpose <> OLD.purpose
  OR NEW.basis <> OLD.basis OR NEW.month <> OLD.month OR NEW.exact <> OLD.exact OR NEW.reason <> OLD.reason
  OR NEW.proposed_by <> OLD.proposed_by OR NEW.proposed_at <> OLD.proposed_at
BEGIN SELECT RAISE(ABORT, 'a correction is decided once'); END;
CREATE TRIGGER line_correction_stays BEFORE DELETE ON line_correction
BEGIN SELECT RAISE(ABORT, 'append-only'); END;
