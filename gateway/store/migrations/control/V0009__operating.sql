-- Operating agreements came with this version, and where the rules demand one, nothing is served without. Operation that had begun
-- goes on for a time of transition of 180 days from the start on this version, in which the agreements are made (ADR 0041).
CREATE TABLE operating (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    binds_from_micros INTEGER NOT NULL CHECK (binds_from_micros > 0)
) STRICT;
INSERT INTO operating SELECT 1, (unixepoch('now') + 180 * 86400) * 1000000 FROM revision WHERE value > 0;
