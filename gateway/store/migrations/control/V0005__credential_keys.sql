-- What a credential holds for good: its public key, and, once it was revoked, its name. A row whose `gone` is 1 never comes
-- back into force: the credential was revoked, removed, or given another key.
CREATE TABLE credential_keys (
    key TEXT PRIMARY KEY,
    credential TEXT NOT NULL,
    gone INTEGER NOT NULL CHECK (gone IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX credential_keys_by_credential ON credential_keys (credential);
-- Where credentials of before share a key, one that was revoked keeps it: the others work on as they are, and the key is
-- accepted for no new one.
INSERT OR IGNORE INTO credential_keys
    SELECT 'key:' || json_extract(spec, '$.publicKey'), name, coalesce(json_extract(spec, '$.revoked'), 0)
    FROM objects WHERE kind = 'Credential' AND json_extract(spec, '$.publicKey') IS NOT NULL
    ORDER BY coalesce(json_extract(spec, '$.revoked'), 0) DESC, name;
INSERT OR IGNORE INTO credential_keys
    SELECT 'name:' || name, name, 1 FROM objects WHERE kind = 'Credential' AND json_extract(spec, '$.revoked') = 1;
