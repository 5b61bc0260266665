-- HMAC secrets that were issued here, sealed under the master key. One that was taken back with its credential keeps its
-- row without a secret, so that copies of it are removed too.
CREATE TABLE credential_secrets (
    credential TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    nonce BLOB CHECK (length(nonce) = 12),
    sealed BLOB,
    CHECK ((nonce IS NULL) = (sealed IS NULL))
) STRICT, WITHOUT ROWID;
