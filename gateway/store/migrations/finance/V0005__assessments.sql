-- What a contribution is judged by beside income: effect and quality. Null in periods that were closed before.
ALTER TABLE contribution ADD COLUMN units INTEGER;
ALTER TABLE contribution ADD COLUMN scenarios INTEGER;
ALTER TABLE contribution ADD COLUMN tickets INTEGER;
ALTER TABLE contribution ADD COLUMN faults INTEGER;
