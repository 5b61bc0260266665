-- Caps, person-spaces and domains only fall by declaration from this act on: what was in force then goes on as the first value,
-- whatever it had been before.
CREATE TABLE promises (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    since INTEGER NOT NULL CHECK (since >= 0)
) STRICT;
INSERT INTO promises SELECT 1, value FROM revision;
