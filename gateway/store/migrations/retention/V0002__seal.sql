-- A keyed digest over every row of every other table; null until the database is sealed for the first time.
CREATE TABLE seal (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB) STRICT;
INSERT INTO seal VALUES (1, NULL);
