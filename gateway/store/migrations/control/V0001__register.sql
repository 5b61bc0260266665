-- The register (登记簿). `revision` counts accepted acts, and is the version of every object that the act wrote: a version
-- is never given twice, not even to an object that was removed and made again.
CREATE TABLE revision (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    value INTEGER NOT NULL CHECK (value >= 0),
    -- Makes the keys of `lockouts` untellable from outside this file.
    pepper BLOB NOT NULL CHECK (length(pepper) = 16)
) STRICT;
INSERT INTO revision VALUES (1, 0, randomblob(16));

CREATE TABLE objects (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    owner TEXT,
    spec TEXT NOT NULL,
    state_name TEXT,
    state TEXT,
    editable INTEGER NOT NULL CHECK (editable IN (0, 1)),
    created_micros INTEGER NOT NULL,
    updated_micros INTEGER NOT NULL,
    PRIMARY KEY (kind, name),
    CHECK ((state IS NULL) = (state_name IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX objects_by_owner ON objects (owner, kind, name);
CREATE INDEX objects_by_state ON objects (kind, state_name, name) WHERE state_name IS NOT NULL;

-- What an object refers to.
CREATE TABLE refers (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    to_kind TEXT NOT NULL,
    to_name TEXT NOT NULL,
    PRIMARY KEY (kind, name, to_kind, to_name),
    FOREIGN KEY (kind, name) REFERENCES objects (kind, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX refers_to ON refers (to_kind, to_name, kind, name);

-- Which case puts which object in force: an index, the object itself is derived from the case.
CREATE TABLE in_force (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    case_kind TEXT NOT NULL,
    case_name TEXT NOT NULL,
    PRIMARY KEY (kind, name),
    FOREIGN KEY (case_kind, case_name) REFERENCES objects (kind, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX in_force_by_case ON in_force (case_kind, case_name);

-- Every accepted act, one per revision. `journal_seq` is null until the act is known to be in the journal.
CREATE TABLE acts (
    revision INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    salt BLOB NOT NULL CHECK (length(salt) = 16),
    at_micros INTEGER NOT NULL,
    actor TEXT,
    organisation TEXT,
    role TEXT,
    duty TEXT,
    verb TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    state_name TEXT,
    reason TEXT NOT NULL,
    attachments TEXT NOT NULL,
    journal_seq INTEGER,
    CHECK ((actor IS NULL) = (organisation IS NULL) AND (actor IS NULL) = (role IS NULL))
) STRICT;
CREATE INDEX acts_by_object ON acts (kind, name, revision);
CREATE INDEX acts_by_actor ON acts (actor, revision);
CREATE INDEX acts_outbox ON acts (revision) WHERE journal_seq IS NULL;

CREATE TABLE deadlines (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    what TEXT NOT NULL,
    at_micros INTEGER NOT NULL,
    provisional INTEGER NOT NULL CHECK (provisional IN (0, 1)),
    -- Whether the scheduler has dealt with it: it stays as a mark of being overdue until the case moves on.
    passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
    PRIMARY KEY (kind, name, what),
    FOREIGN KEY (kind, name) REFERENCES objects (kind, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX deadlines_due ON deadlines (at_micros) WHERE passed = 0;

CREATE TABLE notices (
    id INTEGER PRIMARY KEY,
    at_micros INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    what TEXT NOT NULL,
    due_micros INTEGER NOT NULL
) STRICT;
CREATE INDEX notices_by_object ON notices (kind, name, id);

CREATE TABLE answers (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL CHECK (length(request) = 32),
    answer TEXT NOT NULL,
    -- The revision of the act that was answered so.
    revision INTEGER NOT NULL,
    at_micros INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_age ON answers (at_micros);
