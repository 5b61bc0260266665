-- What a mark covers: the call that was charged and the release it was charged for; by what its answer is known again; and how
-- often it was run again. Marks of before cover no charge: their retries pay again, and never less.
ALTER TABLE marks ADD COLUMN covered_request BLOB CHECK (length(covered_request) = 16);
ALTER TABLE marks ADD COLUMN covered_release BLOB CHECK (length(covered_release) = 16);
ALTER TABLE marks ADD COLUMN answer_request BLOB CHECK (length(answer_request) = 16);
ALTER TABLE marks ADD COLUMN answer BLOB CHECK (length(answer) = 16);
ALTER TABLE marks ADD COLUMN reruns INTEGER NOT NULL DEFAULT 0 CHECK (reruns >= 0);
-- Who was the first to ask for a release: a keyed tag of the unit. Not known of those of before.
ALTER TABLE releases ADD COLUMN asked_by BLOB CHECK (length(asked_by) = 16);
ALTER TABLE open_intents ADD COLUMN release BLOB CHECK (length(release) = 16);
