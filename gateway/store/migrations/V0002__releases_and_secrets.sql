-- Answers under differential privacy, kept so that the same query over the same data is answered with the same bytes.
CREATE TABLE releases (
    query BLOB PRIMARY KEY CHECK (length(query) = 32),
    answer BLOB NOT NULL,
    nanos INTEGER NOT NULL CHECK (nanos >= 0)
) STRICT, WITHOUT ROWID;

-- HMAC secrets of credentials, sealed with AES-256-GCM under the master key.
CREATE TABLE secrets (
    credential TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    nonce BLOB NOT NULL CHECK (length(nonce) = 12),
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
