-- A release of a table: of which family of tables, and when. What was kept before is of none.
ALTER TABLE releases ADD COLUMN family BLOB CHECK (family IS NULL OR length(family) = 32);
ALTER TABLE releases ADD COLUMN at_micros INTEGER;
