-- Named persons (实名) of organisations.
CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL CHECK (version > 0),
    organisation TEXT NOT NULL,
    person TEXT NOT NULL,
    roles TEXT NOT NULL,
    disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    created_micros INTEGER NOT NULL,
    updated_micros INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Argon2id with its parameters, so that stronger ones can be set later and old hashes still be checked.
CREATE TABLE passwords (
    account TEXT PRIMARY KEY REFERENCES accounts (name) ON DELETE CASCADE,
    memory_kib INTEGER NOT NULL,
    passes INTEGER NOT NULL,
    lanes INTEGER NOT NULL,
    salt BLOB NOT NULL CHECK (length(salt) = 16),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    temporary INTEGER NOT NULL CHECK (temporary IN (0, 1)),
    set_micros INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One-time codes (RFC 6238): the secret sealed under the master key; `last_step` is the last time step that was used.
CREATE TABLE one_time_secrets (
    account TEXT PRIMARY KEY REFERENCES accounts (name) ON DELETE CASCADE,
    nonce BLOB NOT NULL CHECK (length(nonce) = 12),
    sealed BLOB NOT NULL,
    confirmed INTEGER NOT NULL CHECK (confirmed IN (0, 1)),
    last_step INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX recovery_codes_by_account ON recovery_codes (account);

CREATE TABLE links (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_account ON links (account);

CREATE TABLE sessions (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    created_micros INTEGER NOT NULL,
    seen_micros INTEGER NOT NULL,
    until_micros INTEGER NOT NULL,
    -- Whether an identity elsewhere signed on, and no password was asked for.
    linked INTEGER NOT NULL CHECK (linked IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_account ON sessions (account);

CREATE TABLE tokens (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    name TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    roles TEXT NOT NULL,
    read_only INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    created_micros INTEGER NOT NULL,
    until_micros INTEGER NOT NULL,
    UNIQUE (account, name)
) STRICT, WITHOUT ROWID;

-- Failed sign-ons by keyed digest of what was tried: names and addresses stand here in no readable form.
CREATE TABLE lockouts (
    key BLOB PRIMARY KEY CHECK (length(key) = 16),
    failures INTEGER NOT NULL CHECK (failures > 0),
    until_micros INTEGER NOT NULL,
    last_micros INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lockouts_by_age ON lockouts (last_micros);

-- The token that makes the first administrator; its row goes when it is used.
CREATE TABLE first_token (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    until_micros INTEGER NOT NULL
) STRICT;
