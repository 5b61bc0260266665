-- Which natural person an account is: a keyed hash of the number in their papers, never the number. Empty for accounts from
-- before, until it is told.
ALTER TABLE accounts ADD COLUMN person_key BLOB CHECK (person_key IS NULL OR length(person_key) = 32);
-- Counts what ends every sign-on of the account: resets, changes of roles, links, second factors. Sessions and tokens hold
-- while theirs is the same.
ALTER TABLE accounts ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
CREATE INDEX accounts_by_person ON accounts (person_key) WHERE person_key IS NOT NULL;

-- One-time links by which persons set their own passwords: one open for each account.
CREATE TABLE invitations (
    account TEXT PRIMARY KEY REFERENCES accounts (name) ON DELETE CASCADE,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    -- The code that the confirming person hands over by another way; none where nobody confirmed.
    code_hash BLOB CHECK (code_hash IS NULL OR length(code_hash) = 32),
    until_micros INTEGER NOT NULL,
    -- Wrong codes that were tried.
    failures INTEGER NOT NULL,
    -- The secret for one-time codes that was shown with it, sealed until the first code confirms it.
    nonce BLOB CHECK (nonce IS NULL OR length(nonce) = 12),
    sealed BLOB,
    CHECK ((nonce IS NULL) = (sealed IS NULL))
) STRICT, WITHOUT ROWID;

-- What an administrator asked for and a second person decides.
CREATE TABLE account_requests (
    name TEXT PRIMARY KEY,
    verb TEXT NOT NULL,
    account TEXT NOT NULL,
    -- What is to be done, JSON.
    wanted TEXT NOT NULL,
    reason TEXT NOT NULL,
    by_account TEXT NOT NULL,
    by_organisation TEXT NOT NULL,
    created_micros INTEGER NOT NULL,
    expires_micros INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'confirmed', 'refused', 'withdrawn')),
    decided_by TEXT,
    decided_organisation TEXT,
    decided_micros INTEGER,
    CHECK ((state = 'open') = (decided_by IS NULL)),
    CHECK ((decided_by IS NULL) = (decided_organisation IS NULL) AND (decided_by IS NULL) = (decided_micros IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX account_requests_open ON account_requests (by_account) WHERE state = 'open';

-- What was refused to signed-on persons, and sign-ons that failed. `account` is empty for names that nobody has: those are
-- counted, and never written down.
CREATE TABLE refusals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    minute INTEGER NOT NULL,
    at_micros INTEGER NOT NULL,
    account TEXT,
    organisation TEXT,
    roles TEXT NOT NULL,
    verb TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    code TEXT NOT NULL,
    count INTEGER NOT NULL CHECK (count > 0)
) STRICT;
CREATE INDEX refusals_by_minute ON refusals (account, minute);
CREATE INDEX refusals_by_age ON refusals (at_micros);

-- Attempts to sign on by keyed digest of what was tried with: names and addresses stand here in no readable form. They decay
-- with time, and a success takes its own back.
DROP TABLE lockouts;
CREATE TABLE attempts (
    key BLOB PRIMARY KEY CHECK (length(key) = 16),
    -- Thousandths of a failure, at `last_micros`.
    score INTEGER NOT NULL CHECK (score >= 0),
    until_micros INTEGER NOT NULL,
    last_micros INTEGER NOT NULL,
    -- Until when this is a place from which the person has signed on before.
    known_until_micros INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_by_age ON attempts (last_micros);
