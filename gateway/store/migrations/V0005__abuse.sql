-- Scenarios whose use was found abnormal: since when slow, since when stopped by the gate itself.
CREATE TABLE watched (
    scenario TEXT PRIMARY KEY,
    slowed_micros INTEGER,
    stopped_micros INTEGER
) STRICT, WITHOUT ROWID;
