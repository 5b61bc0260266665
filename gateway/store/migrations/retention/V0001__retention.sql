-- What was decided about half-years of the log: 1 sealed (封存), 2 destroyed (销毁). Times are microseconds.
CREATE TABLE acts (
    shard TEXT NOT NULL,
    what INTEGER NOT NULL CHECK (what IN (1, 2)),
    asked_by TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    decided_by TEXT,
    decided_at INTEGER,
    -- The signed manifest or certificate.
    document TEXT,
    -- The journal stood here when it was decided: the act's leaf stands behind.
    from_seq INTEGER,
    finished_at INTEGER,
    PRIMARY KEY (shard, what),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL) AND (decided_by IS NULL) = (document IS NULL)
        AND (decided_by IS NULL) = (from_seq IS NULL)),
    -- Two persons destroy.
    CHECK (what = 1 OR decided_by IS NULL OR decided_by <> asked_by),
    CHECK (finished_at IS NULL OR decided_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER acts_are_decided_once BEFORE UPDATE ON acts
WHEN OLD.finished_at IS NOT NULL OR NEW.shard <> OLD.shard OR NEW.what <> OLD.what OR NEW.asked_by <> OLD.asked_by
    OR (OLD.document IS NOT NULL AND (NEW.document IS NOT OLD.document OR NEW.decided_by IS NOT OLD.decided_by))
BEGIN SELECT RAISE(ABORT, 'what was decided does not change'); END;
CREATE TRIGGER acts_stay BEFORE DELETE ON acts WHEN OLD.document IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'what was decided stays'); END;
